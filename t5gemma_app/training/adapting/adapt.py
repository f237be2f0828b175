"""Two decoder-only Gemma 2 checkpoints made into one T5Gemma: planned from headers, written tensor by tensor."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import safe_open

from t5gemma_app.checkpoints.card import CARD
from t5gemma_app.checkpoints.configuration import Configuration, read_configuration
from t5gemma_app.checkpoints.folder import check_files
from t5gemma_app.checkpoints.placement import DTYPE_BYTES, GB, Reason
from t5gemma_app.checkpoints.sizes import size_name
from t5gemma_app.checkpoints.tensors import expected_tensors
from t5gemma_app.checkpoints.weights import DTYPES, read_json
from t5gemma_app.engine.initialise import TOKENIZER_FILES
from t5gemma_app.errors import InputError
from t5gemma_app.training.adapting.configuration import adapted_config
from t5gemma_app.training.adapting.source import Source, check_source, read_source
from t5gemma_app.training.adapting.weight_map import (
    CrossAttention,
    Entry,
    LeftOut,
    WeightMap,
    choose_cross_attention,
    weight_map,
)
from t5gemma_app.training.folders import refuse_taken, whole_folder
from t5gemma_app.training.shards import SHARD_BYTES, Slot, write_shards

WARM_UP_STEPS = 1000
"""Steps for which new cross-attention is trained alone; the paper tried 0, 1000 and 5000."""

_TOKENIZER = (*TOKENIZER_FILES, "tokenizer.model", "added_tokens.json")


@dataclass(frozen=True, slots=True)
class AdaptOrder:
    """What somebody asks for."""

    encoder: Path
    decoder: Path
    output: Path
    cross_attention: str = "auto"
    dtype: str = "auto"
    warm_up_steps: int = WARM_UP_STEPS
    """For cross-attention that is new; a copied one needs none."""
    seed: int = 0
    dry_run: bool = False
    shard_bytes: int = SHARD_BYTES


@dataclass(frozen=True, slots=True)
class PartReport:
    """One part of the target and where it comes from."""

    part: str
    tensors: int
    parameters: int
    origin: str


@dataclass(frozen=True, slots=True)
class AdaptReport:
    """What was made, or would be."""

    encoder: str
    decoder: str
    pair: str
    """Sizes of encoder and decoder as one word."""
    parts: tuple[PartReport, ...]
    entries: tuple[Entry, ...]
    left_out: tuple[LeftOut, ...]
    reasons: tuple[Reason, ...]
    """Why cross-attention and the number format are what they are."""
    parameters: int
    bytes: int
    warm_up_steps: int
    """Steps for which cross-attention should be trained alone; 0 where it is a copy."""
    tokenizer: str
    """Where the tokenizer comes from; empty where neither source has one."""
    written: bool


def adapt(order: AdaptOrder) -> AdaptReport:
    """Make the checkpoint, or only say how it would be made.

    Raises:
        UnknownCheckpointError: A source is not there.
        UnsupportedCheckpointError: A source is another architecture, a pickle, quantised, or brings its own code.
        BrokenCheckpointError: A source's files are damaged or incomplete.
        InputError: The sources do not belong together, the output is taken, or the disk has no room.
    """
    if order.warm_up_steps < 0:
        raise InputError(f"The warm-up is {order.warm_up_steps} steps.", expected="It takes a number from 0.")
    encoder, decoder = read_source(order.encoder, "encoder"), read_source(order.decoder, "decoder")
    dtype = choose_dtype(encoder.dtype, decoder.dtype, order.dtype)
    values = adapted_config(encoder, decoder, dtype.choice)
    check_source(encoder)
    check_source(decoder)
    configuration = read_configuration(values)
    assert configuration.decoder is not None
    cross = choose_cross_attention(configuration.encoder, configuration.decoder, order.cross_attention)
    plan = weight_map(encoder, decoder, cast(CrossAttention, cross.choice), expected_tensors(configuration))
    report = _report(order, configuration, plan, (cross, dtype), encoder, decoder)
    if not order.dry_run:
        refuse_taken(order.output)
        _refuse_full_disk(order.output, report.bytes)
        with whole_folder(order.output) as folder:
            _write(folder, order, plan, values, dtype.choice, encoder, decoder, report)
    return report


def choose_dtype(encoder: str, decoder: str, wish: str = "auto") -> Reason:
    """Choose the number format of the files.

    Raises:
        InputError: The wish is no format that the app loads.
    """
    if wish != "auto":
        if wish not in DTYPES.values():
            raise InputError(f"The number format is {wish!r}.", expected=f"It is one of {', '.join(DTYPES.values())}.")
        return Reason("dtype", wish, "asked for")
    if encoder == decoder:
        return Reason("dtype", encoder, "both sources are stored so, and every number is kept bit for bit")
    return Reason(
        "dtype", "float32", f"the sources are {encoder} and {decoder}, and float32 keeps every number of both"
    )


def _report(
    order: AdaptOrder,
    configuration: Configuration,
    plan: WeightMap,
    reasons: tuple[Reason, Reason],
    encoder: Source,
    decoder: Source,
) -> AdaptReport:
    assert configuration.decoder is not None
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for entry in plan.entries:
        cell = counts[_part(entry.target), _origin(entry)]
        cell[0] += 1
        cell[1] += torch.Size(entry.shape).numel()
    parts = tuple(PartReport(part, cell[0], cell[1], origin) for (part, origin), cell in counts.items())
    total = sum(part.parameters for part in parts)
    with_tokenizer = [source for source in (decoder, encoder) if (source.folder / "tokenizer.json").is_file()]
    return AdaptReport(
        encoder=str(encoder.folder),
        decoder=str(decoder.folder),
        pair=f"{size_name(configuration.encoder)}-{size_name(configuration.decoder)}",
        parts=parts,
        entries=plan.entries,
        left_out=plan.left_out,
        reasons=reasons,
        parameters=total,
        bytes=total * DTYPE_BYTES[reasons[1].choice],
        warm_up_steps=order.warm_up_steps if reasons[0].choice == "new" else 0,
        tokenizer=str(with_tokenizer[0].folder) if with_tokenizer else "",
        written=not order.dry_run,
    )


def _part(target: str) -> str:
    if "cross_attn" in target:
        return "cross-attention"
    if "embed_tokens" in target:
        return "encoder embedding" if target.startswith("model.encoder") else "decoder embedding"
    if target.startswith("model."):
        return "encoder layers" if target.startswith("model.encoder") else "decoder layers"
    return "output head"


def _origin(entry: Entry) -> str:
    if entry.role is None:
        return "new (random projections, norms at zero)"
    return f"{entry.role}'s self-attention" if "cross_attn" in entry.target else entry.role


def _refuse_full_disk(output: Path, needed: int) -> None:
    place = output.resolve()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < needed:
        raise InputError(
            f"The checkpoint takes {needed / GB:.1f} GB and {free / GB:.1f} GB are free on the disk of {output}.",
            remedy="Choose another disk, or --dtype bfloat16.",
        )


def _write(
    folder: Path,
    order: AdaptOrder,
    plan: WeightMap,
    values: dict[str, Any],
    dtype: str,
    encoder: Source,
    decoder: Source,
    report: AdaptReport,
) -> None:
    (folder / "config.json").write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    entries = {entry.target: entry for entry in plan.entries}
    sources = {"encoder": encoder, "decoder": decoder}
    deviation = float(decoder.config.initializer_range)
    with ExitStack() as opened:
        files = {
            path: opened.enter_context(safe_open(path, framework="pt"))
            for source in sources.values()
            for path in {path for path, _ in source.places.values()}
        }

        def read(target: str) -> torch.Tensor:
            entry = entries[target]
            if entry.role is None:
                return _new_tensor(entry, deviation, order.seed)
            path, stored = sources[entry.role].places[entry.source]
            tensor: torch.Tensor = files[path].get_tensor(stored)
            return tensor

        write_shards(folder, [Slot(e.target, e.shape, dtype) for e in plan.entries], read, order.shard_bytes)
    (folder / "generation_config.json").write_text(json.dumps(_generation(decoder), indent=2) + "\n", encoding="utf-8")
    for name in _TOKENIZER if report.tokenizer else ():
        if (Path(report.tokenizer) / name).is_file():
            shutil.copyfile(Path(report.tokenizer) / name, folder / name)
    (folder / CARD).write_text(json.dumps(_card(order, report), indent=2) + "\n", encoding="utf-8")
    check_files(folder)


def _new_tensor(entry: Entry, deviation: float, seed: int) -> torch.Tensor:
    """Return a new tensor that depends on nothing but the seed and its name."""
    if entry.source == "zeros":
        return torch.zeros(entry.shape)
    digest = hashlib.sha256(f"{seed}:{entry.target}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
    return torch.empty(entry.shape).normal_(0.0, deviation, generator=generator)


def _generation(decoder: Source) -> dict[str, Any]:
    path = decoder.folder / "generation_config.json"
    kept = read_json(path) if path.is_file() else {}
    config = decoder.config
    own = {name: getattr(config, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    # The cache of Gemma 2's generation settings is a decoder's alone.
    kept = {name: value for name, value in kept.items() if name != "cache_implementation"}
    return {**own, **kept, "decoder_start_token_id": config.bos_token_id}


def _card(order: AdaptOrder, report: AdaptReport) -> dict[str, Any]:
    first = (
        f" Its cross-attention is new: train it alone for the first {report.warm_up_steps:,} steps."
        if report.warm_up_steps
        else ""
    )
    return {
        "objective": "unknown",
        "stage": "unknown",
        "description": (
            f"Adapted from the decoder-only checkpoints {order.encoder.name} (encoder) and {order.decoder.name} "
            f"(decoder), and not trained since.{first}"
        ),
        "cross_attention_steps": report.warm_up_steps,
    }
