"""`models show`: sizes, memory, access and placement of one checkpoint."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from t5gemma_app.checkpoints.memory import MemoryEstimate, estimate_memory, in_words
from t5gemma_app.checkpoints.parameters import count_in_words
from t5gemma_app.checkpoints.placement import DTYPE_BYTES, Placement
from t5gemma_app.checkpoints.records import Checkpoint, ParameterCounts, Stack
from t5gemma_app.cli.output import print_json, table
from t5gemma_app.errors import InputError, PlacementError, TooBigError

if TYPE_CHECKING:
    from t5gemma_app.services import Services

_PARTS = ("encoder", "decoder", "cross_attention", "embeddings", "total")
_MEMORY = ("weights", "self_cache", "cross_cache", "logits", "activations", "screen", "runtime", "total")


def add_show(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to `models`."""
    show = actions.add_parser("show", help="sizes, memory, access and placement of one checkpoint")
    show.add_argument("checkpoint", metavar="NAME_OR_DIR", help="a name from the list, or a folder")
    show.add_argument("--json", action="store_true", help="print a JSON object")
    show.add_argument("--prompt-tokens", type=int, default=1024, metavar="N", help="length of a prompt (default 1024)")
    show.add_argument("--answer-tokens", type=int, default=256, metavar="N", help="length of an answer (default 256)")
    show.add_argument("--batch", type=int, default=1, metavar="N", help="prompts at the same time (default 1)")
    show.add_argument("--dtype", choices=sorted(DTYPE_BYTES), help="one number format instead of all")
    show.set_defaults(run=run)


def run(arguments: argparse.Namespace, services: Services) -> int:
    """Print everything known of one checkpoint."""
    for name in ("prompt_tokens", "answer_tokens", "batch"):
        if getattr(arguments, name) < 1:
            flag = "--" + name.replace("_", "-")
            raise InputError(f"{flag} is {getattr(arguments, name)}.", expected="It takes a whole number from 1.")
    checkpoint = services.catalogue.resolve(arguments.checkpoint)
    services.access.refresh([checkpoint])
    placement, refusal = _placement(checkpoint, services)
    memory = _memory(checkpoint, arguments, placement)
    if arguments.json:
        print_json(_details(checkpoint, services, placement, refusal, memory))
    else:
        print(_page(checkpoint, services, placement, refusal, memory, arguments))
    return 0


def entry(checkpoint: Checkpoint, services: Services) -> dict[str, Any]:
    """Return a checkpoint as `models list --json` has it."""
    return {
        "name": checkpoint.name,
        "source": checkpoint.source,
        "family": checkpoint.family,
        "objective": checkpoint.objective,
        "stage": checkpoint.stage,
        "head": checkpoint.head,
        "labels": list(checkpoint.labels),
        "parameters": _parameters(checkpoint.parameters),
        "access": str(services.access.of(checkpoint).state),
    }


def _parameters(counts: ParameterCounts | None) -> dict[str, int] | None:
    return None if counts is None else {part: getattr(counts, part) for part in _PARTS}


def _placement(checkpoint: Checkpoint, services: Services) -> tuple[Placement | None, str]:
    try:
        return services.engine.place(checkpoint), ""
    except (PlacementError, TooBigError) as error:
        return None, str(error)


def _memory(
    checkpoint: Checkpoint, arguments: argparse.Namespace, placement: Placement | None
) -> dict[str, MemoryEstimate]:
    if checkpoint.encoder is None or checkpoint.parameters is None:
        return {}
    kind = placement.device.split(":")[0] if placement else "cpu"
    wanted = [arguments.dtype] if arguments.dtype else list(DTYPE_BYTES)
    lengths = (arguments.prompt_tokens, arguments.answer_tokens, arguments.batch)
    return {dtype: estimate_memory(checkpoint, dtype, *lengths, kind) for dtype in wanted}


def _details(
    checkpoint: Checkpoint,
    services: Services,
    placement: Placement | None,
    refusal: str,
    memory: dict[str, MemoryEstimate],
) -> dict[str, Any]:
    access = services.access.of(checkpoint)
    stacks = {name: _stack(getattr(checkpoint, name)) for name in ("encoder", "decoder")}
    parameters = _parameters(checkpoint.parameters)
    if parameters is not None and checkpoint.parameters is not None:
        parameters["other"] = checkpoint.parameters.other
    return entry(checkpoint, services) | {
        "location": checkpoint.location,
        "revision": checkpoint.revision,
        "licence": checkpoint.licence,
        "gated": checkpoint.gated,
        "sizes": {"encoder": checkpoint.encoder_size, "decoder": checkpoint.decoder_size},
        "parameters": parameters,
        **stacks,
        "dtype": checkpoint.dtype,
        "tied_head": checkpoint.tied_head,
        "memory": {dtype: {part: getattr(estimate, part) for part in _MEMORY} for dtype, estimate in memory.items()},
        "access_sentence": access.sentence,
        "access_link": access.link,
        "placement": asdict(placement) if placement else None,
        "placement_refused": refusal,
    }


def _stack(stack: Stack | None) -> dict[str, Any] | None:
    return asdict(stack) if stack else None


def _page(
    checkpoint: Checkpoint,
    services: Services,
    placement: Placement | None,
    refusal: str,
    memory: dict[str, MemoryEstimate],
    arguments: argparse.Namespace,
) -> str:
    access = services.access.of(checkpoint)
    facts = [
        ("name", checkpoint.name),
        ("from", f"{checkpoint.source}, {checkpoint.location}"),
        ("kind", f"{checkpoint.family}, {checkpoint.objective}, {checkpoint.stage}, head {checkpoint.head}"),
        ("labels", ", ".join(checkpoint.labels)),
        ("licence", checkpoint.licence),
        ("access", " ".join(part for part in (access.sentence, access.link) if part)),
        ("placement", placement.sentence() if placement else refusal),
    ]
    reasons = placement.reasons if placement else ()
    facts += [("", f"{reason.subject} {reason.choice}: {reason.because}") for reason in reasons]
    lines = [f"{name:<10} {value}".rstrip() for name, value in facts if value]
    if checkpoint.parameters is not None:
        lines += ["", _parameter_table(checkpoint.parameters)]
    if checkpoint.encoder is not None:
        lines += ["", _stack_table([("encoder", checkpoint.encoder), ("decoder", checkpoint.decoder)])]
    if memory:
        lines += [
            "",
            f"Memory for {_lengths(arguments)}",
            _memory_table(memory),
        ]
    else:
        lines += ["", "The sizes are known after its configuration was downloaded once."]
    return "\n".join(lines)


def _parameter_table(counts: ParameterCounts) -> str:
    parts = (*_PARTS[:-1], "other", "total") if counts.other else _PARTS
    rows = [
        (part.replace("_", "-"), f"{getattr(counts, part):,}", count_in_words(getattr(counts, part))) for part in parts
    ]
    return table(("parameters", "count", ""), rows, right=(1, 2))


def _stack_table(stacks: Sequence[tuple[str, Stack | None]]) -> str:
    header = ("", "layers", "hidden", "heads", "kv heads", "head", "feed-forward", "vocabulary", "positions", "window")
    rows = [
        (
            name,
            *(f"{number:,}" for number in (s.layers, s.hidden, s.heads, s.kv_heads, s.head_dim, s.intermediate)),
            *(f"{number:,}" for number in (s.vocabulary, s.positions, s.window)),
        )
        for name, s in stacks
        if s is not None
    ]
    return table(header, rows, right=range(1, len(header)))


def _memory_table(memory: dict[str, MemoryEstimate]) -> str:
    header = ("dtype", *(part.replace("_", " ") for part in _MEMORY))
    rows = [(dtype, *(in_words(getattr(estimate, part)) for part in _MEMORY)) for dtype, estimate in memory.items()]
    return table(header, rows, right=range(1, len(header)))


def _lengths(arguments: argparse.Namespace) -> str:
    return f"{arguments.prompt_tokens:,} tokens in, {arguments.answer_tokens:,} out, batch {arguments.batch}"
