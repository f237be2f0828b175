"""The strip on top of every tab: what this is, what is loaded and where, and at most one banner.

Everything here is a function from values to HTML; refuses to ask the engine for more than its status.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from t5gemma_app.checkpoints.access import AccessState
from t5gemma_app.checkpoints.memory import in_words
from t5gemma_app.engine.types import EngineStatus, LoadedCheckpoint
from t5gemma_app.settings import DataFolder
from t5gemma_app.ui.markup import facts, link, text

NAME = "T5Gemma workbench"
LINE = "Chat with encoder-decoder Gemma, and see what it costs."
BANNER_SCRIPT = """
element.addEventListener('click', (event) => {
  if (event.target.closest('[data-open]')) trigger('evaluate');
});
"""
LICENCE_LINK = "https://huggingface.co/google/t5gemma-2b-2b-ul2-it"
TOKEN_LINK = "https://huggingface.co/settings/tokens/new?tokenType=fineGrained"  # noqa: S105 - a page's address
ATTENTION_WORDS = {
    "sdpa": "sdpa",
    "eager": "eager",
    "flash_attention_2": "flash attention 2",
    "flash_attention_3": "flash attention 3",
}


def state_sentence(status: EngineStatus) -> str:
    """Return the engine's state in one line, as it stands on the right of the header."""
    if status.failure:
        return "The engine did not start"
    if status.facts is None:
        return "Starting the engine …"
    memory = memory_sentence(status)
    if not status.loaded:
        device = status.facts.devices[0].name if status.facts.devices else "no device"
        return f"Nothing loaded · {device} · {memory}"
    last = status.loaded[-1]
    more = f" and {len(status.loaded) - 1} more" if len(status.loaded) > 1 else ""
    return f"{last.name}{more} · {last.placement.sentence()} · {memory}"


def memory_sentence(status: EngineStatus) -> str:
    """Return memory in use and allowed, such as `1.3 of 14 GB`."""
    used, budget = status.used_bytes / 1e9, status.budget_bytes / 1e9
    if 0 < used < 0.05:
        return f"{in_words(status.used_bytes)} of {in_words(status.budget_bytes)}"
    return f"{used:.1f} of {budget:.0f} GB" if budget >= 10 else f"{used:.2f} of {budget:.1f} GB"


def header_html(status: EngineStatus) -> str:
    """Return the header."""
    tone = "bad" if status.failure else "quiet" if status.facts is None or not status.loaded else "good"
    return (
        '<div class="wb-header"><div class="wb-brand">'
        f"<h1>{text(NAME)}</h1><p>{text(LINE)}</p></div>"
        '<details class="wb-state"><summary>'
        f'<span class="wb-dot wb-{tone}" aria-hidden="true"></span><span>{text(state_sentence(status))}</span>'
        f'</summary><div class="wb-reasons">{_reasons(status)}</div></details></div>'
    )


def _reasons(status: EngineStatus) -> str:
    if status.failure:
        return f"<p>{text(status.failure)}</p>"
    if status.facts is None:
        return "<p>The libraries are being imported; the page can be used meanwhile.</p>"
    parts = [_loaded(entry) for entry in status.loaded]
    if not parts:
        parts.append("<p>A checkpoint is loaded when the first message is sent, or from the Models tab.</p>")
    devices = [
        (device.name, f"{device.label}, {in_words(device.free_bytes)} of {in_words(device.total_bytes)} free")
        for device in status.facts.devices
    ]
    devices.append(("threads", str(status.facts.threads)))
    if status.active or status.waiting:
        devices.append(("answers", f"{status.active} running, {status.waiting} waiting"))
    return "".join(parts) + "<h3>This machine</h3>" + facts(devices)


def _loaded(entry: LoadedCheckpoint) -> str:
    rows = [(reason.subject, f"{reason.choice}: {reason.because}") for reason in entry.placement.reasons]
    rows.append(("weights", f"{in_words(entry.bytes)}, loaded in {entry.seconds:.1f} s"))
    return f"<h3>{text(entry.name)}</h3>{facts(rows)}"


def banner_html(
    problems: Sequence[str],
    states: Set[AccessState],
    *,
    answering: str,
    data_folder: DataFolder,
    space: str | None,
    evaluating: str = "",
) -> str:
    """Return the one banner that matters most, or an empty string.

    Args:
        problems: What the catalogue could not read, in sentences.
        states: The access states of the checkpoints behind a licence.
        answering: The checkpoint that is used meanwhile; may be empty.
        data_folder: Where results are kept.
        space: The Space's id, or None elsewhere.
        evaluating: The evaluation that goes on, in words; it passes, and the others wait until it has.
    """
    if evaluating:
        return (
            '<div class="wb-banner wb-going"><span class="wb-pulse" aria-hidden="true"></span>'
            f"<span>{text(evaluating)}</span>"
            '<button type="button" class="wb-act" data-open="evaluate">Open</button></div>'
        )
    if problems:
        items = "".join(f"<li>{text(sentence)}</li>" for sentence in problems)
        count = "One checkpoint" if len(problems) == 1 else f"{len(problems)} checkpoints"
        return _banner(f"{count} can't be used.", f"<ul>{items}</ul>")
    meanwhile = f" {answering} answers meanwhile." if answering else ""
    # Until the first check has an answer there is nothing to complain about.
    if states and not states & {AccessState.READY, AccessState.UNCHECKED}:
        if states == {AccessState.OFFLINE}:
            body = (
                "<p>Checkpoints whose files are on this machine work as always; their names come first in the list.</p>"
            )
            return _banner(f"The Hub can't be reached, so Google's checkpoints are missing.{meanwhile}", body)
        return _banner(f"Google's checkpoints are not unlocked yet.{meanwhile}", _steps(space))
    if space and not data_folder.persistent:
        body = (
            "<p>Attach a storage bucket to the Space and name its folder in the variable "
            "<code>T5GEMMA_DATA_DIR</code>. Conversations are not affected: they live in your browser.</p>"
        )
        return _banner("Results are lost when this Space restarts.", body)
    return ""


def _steps(space: str | None) -> str:
    settings = f"https://huggingface.co/spaces/{space}/settings" if space else ""
    place = (
        f"as the secret <code>HF_TOKEN</code> in {link(settings, 'the settings of this Space')}"
        if space
        else "as <code>HF_TOKEN</code> in the environment"
    )
    return (
        "<ol>"
        f"<li>{link(LICENCE_LINK, 'Accept the Gemma licence')} on a checkpoint's page; it holds for all of them.</li>"
        f"<li>{link(TOKEN_LINK, 'Make a token')} that may read public gated repositories.</li>"
        f"<li>Set it {place} and start again.</li>"
        "</ol>"
    )


def _banner(summary: str, body: str) -> str:
    return f'<details class="wb-banner"><summary>{text(summary)}</summary>{body}</details>'
