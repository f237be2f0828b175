"""One checkpoint in detail, as HTML made of values."""

from __future__ import annotations

from t5gemma_app.checkpoints.access import Access
from t5gemma_app.checkpoints.memory import in_words
from t5gemma_app.checkpoints.parameters import count_in_words
from t5gemma_app.checkpoints.placement import Need, Placement
from t5gemma_app.checkpoints.records import Checkpoint, ParameterCounts, Stack
from t5gemma_app.engine.types import EngineStatus
from t5gemma_app.ui.access_words import access_html
from t5gemma_app.ui.markup import bar, facts, link, text

LICENCES = {"gemma": ("Gemma Terms of Use", "https://ai.google.dev/gemma/terms")}


def detail_html(
    checkpoint: Checkpoint,
    access: Access,
    need: Need | None,
    status: EngineStatus,
    placement: Placement | None,
    refusal: str,
) -> str:
    """Return everything the Models tab says about one checkpoint.

    Args:
        checkpoint: What it is.
        access: What stands between the visitor and it.
        need: Its memory by number format, or None where its configuration is unknown.
        status: What is loaded and free.
        placement: Where it would run, or None where that is unknown or refused.
        refusal: Why it can't be placed; may be empty.
    """
    loaded = any(entry.name == checkpoint.name for entry in status.loaded)
    sections = [
        _section("Access", access_html(access) or f"<p>{'Loaded.' if loaded else 'Ready to load.'}</p>"),
        _section("Memory", _memory(need, status, placement)),
        _section("Runs on", _placement(placement, refusal)),
        _section("Parameters", _parameters(checkpoint.parameters)),
        _section("Configuration", _configuration(checkpoint)),
        _section("Licence", _licence(checkpoint)),
    ]
    return f'<div class="wb-detail">{"".join(sections)}</div>'


def heading_html(checkpoint: Checkpoint) -> str:
    """Return a checkpoint's name and what it is in one line."""
    return f'<div class="wb-detail"><h2>{text(checkpoint.name)}</h2>{_identity(checkpoint)}</div>'


def _section(title: str, body: str) -> str:
    return f"<section><h3>{text(title)}</h3>{body}</section>"


def _identity(checkpoint: Checkpoint) -> str:
    words = [checkpoint.kind, f"{checkpoint.encoder_size} encoder"]
    if checkpoint.decoder is not None or checkpoint.encoder is None:
        words.append(f"{checkpoint.decoder_size} decoder")
    words += [word for word in (checkpoint.stage, checkpoint.objective) if word != "unknown"]
    if checkpoint.labels:
        shown = ", ".join(checkpoint.labels[:12]) + (" …" if len(checkpoint.labels) > 12 else "")
        words.append(f"{len(checkpoint.labels)} labels: {shown}")
    if checkpoint.random_head:
        words.append("its head has no trained weights")
    place = {"hub": "Hugging Face Hub", "embedded": "part of this app", "local": "a local folder"}[checkpoint.source]
    where = link(f"https://huggingface.co/{checkpoint.location}", place) if checkpoint.source == "hub" else text(place)
    return f'<p class="wb-quiet">{text(" · ".join(words))} · {where}</p>'


def _memory(need: Need | None, status: EngineStatus, placement: Placement | None) -> str:
    if need is None:
        return '<p class="wb-quiet">Unknown until its configuration has been read.</p>'
    free = max(status.budget_bytes - status.used_bytes, 0)
    rows = []
    for dtype, size in need.bytes_by_dtype.items():
        chosen = placement is not None and placement.dtype == dtype
        fits = size <= free
        tone = "accent" if fits else "bad"
        label = f"{dtype}: {in_words(size)} of {in_words(free)} free"
        rows.append(
            f'<div class="wb-memory{" wb-chosen" if chosen else ""}"><span>{text(dtype)}</span>'
            f"{bar(size / free if free else 1.0, label, tone=tone)}<span>{text(in_words(size))}</span></div>"
        )
    words = f"{in_words(free)} free of {in_words(status.budget_bytes)}; weights, caches and logits for one answer."
    after = f'<p class="wb-quiet">{text(words)}</p>' if status.facts is not None else ""
    return "".join(rows) + after


def _placement(placement: Placement | None, refusal: str) -> str:
    if refusal:
        return f'<p class="wb-access">{text(refusal)}</p>'
    if placement is None:
        return '<p class="wb-quiet">Known once the engine has started.</p>'
    return facts([(reason.subject, f"{reason.choice}: {reason.because}") for reason in placement.reasons])


def _parameters(counts: ParameterCounts | None) -> str:
    if counts is None:
        return '<p class="wb-quiet">Unknown until its configuration has been read.</p>'
    parts = [
        ("encoder", counts.encoder),
        ("decoder", counts.decoder),
        ("cross-attention", counts.cross_attention),
        ("embeddings", counts.embeddings),
        ("other", counts.other),
    ]
    shown = [(name, count) for name, count in parts if count]
    stack = "".join(
        f'<span class="wb-part-{name}" style="flex-grow:{count}" title="{text(name)} {count_in_words(count)}"></span>'
        for name, count in shown
    )
    legend = "".join(
        f'<li><span class="wb-key wb-part-{name}"></span>{text(name)} <b>{count_in_words(count)}</b></li>'
        for name, count in shown
    )
    total = f"<li>together <b>{count_in_words(counts.total)}</b></li>"
    return f'<div class="wb-parts" aria-hidden="true">{stack}</div><ul class="wb-legend">{legend}{total}</ul>'


def _configuration(checkpoint: Checkpoint) -> str:
    rows = [("encoder", _stack(checkpoint.encoder)), ("decoder", _stack(checkpoint.decoder))]
    if checkpoint.encoder is not None:
        stack = checkpoint.encoder
        rows.append(("vocabulary", f"{stack.vocabulary:,} words"))
        rows.append(("longest input", f"{stack.positions:,} tokens, sliding layers see {stack.window:,}"))
        rows.append(("attention cap", "none" if stack.softcap is None else f"{stack.softcap:g}"))
    rows.append(("output head", "tied to the embedding" if checkpoint.tied_head else "its own table"))
    rows.append(("on disk", checkpoint.dtype))
    if checkpoint.revision:
        rows.append(("revision", checkpoint.revision[:12]))
    return facts(rows)


def _stack(stack: Stack | None) -> str:
    if stack is None:
        return "not read yet"
    return f"{stack.layers} layers × {stack.hidden}, {stack.heads}/{stack.kv_heads} heads of {stack.head_dim}"


def _licence(checkpoint: Checkpoint) -> str:
    name, address = LICENCES.get(checkpoint.licence.lower(), (checkpoint.licence, ""))
    words = link(address, name) if address else text(name)
    gate = " Its files are handed out after it was accepted on the model's page." if checkpoint.gated else ""
    return f"<p>{words}.{gate}</p>"
