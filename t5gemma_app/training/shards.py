"""Safetensors files written one tensor at a time, so that a checkpoint of any size needs the memory of one tensor."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import torch

from t5gemma_app.checkpoints.placement import DTYPE_BYTES
from t5gemma_app.checkpoints.weights import INDEX, SINGLE

SHARD_BYTES = 5_000_000_000
"""Size at which a new file is begun, as transformers does."""

_CODES = {"float32": "F32", "bfloat16": "BF16", "float16": "F16"}


@dataclass(frozen=True, slots=True)
class Slot:
    """A tensor that is to be written."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    """A number format's name such as `bfloat16`."""

    @property
    def bytes(self) -> int:
        """Its size in the file."""
        return prod(self.shape) * DTYPE_BYTES[self.dtype]


def write_shards(
    folder: Path, slots: Sequence[Slot], read: Callable[[str], torch.Tensor], limit: int = SHARD_BYTES
) -> tuple[Path, ...]:
    """Write tensors to as many files as it takes, and an index where it is more than one.

    Args:
        folder: An empty folder.
        slots: What to write, in this order.
        read: Returns a tensor by its name; called once for each, and the tensor is dropped after it was written.
        limit: Bytes of one file, exceeded only by a tensor that is larger on its own.

    Returns:
        The files of weights.
    """
    groups = _groups(slots, limit)
    names = [SINGLE] if len(groups) == 1 else [_shard_name(number, len(groups)) for number in range(1, len(groups) + 1)]
    for name, group in zip(names, groups, strict=True):
        _write_file(folder / name, group, read)
    if len(groups) > 1:
        places = {slot.name: name for name, group in zip(names, groups, strict=True) for slot in group}
        total = sum(slot.bytes for slot in slots)
        index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(places.items()))}
        (folder / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    return tuple(folder / name for name in names)


def _shard_name(number: int, count: int) -> str:
    return f"model-{number:05d}-of-{count:05d}.safetensors"


def _groups(slots: Sequence[Slot], limit: int) -> list[list[Slot]]:
    groups: list[list[Slot]] = [[]]
    size = 0
    for slot in slots:
        if groups[-1] and size + slot.bytes > limit:
            groups.append([])
            size = 0
        groups[-1].append(slot)
        size += slot.bytes
    return groups


def _write_file(path: Path, slots: Sequence[Slot], read: Callable[[str], torch.Tensor]) -> None:
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for slot in slots:
        header[slot.name] = {
            "dtype": _CODES[slot.dtype],
            "shape": list(slot.shape),
            "data_offsets": [offset, offset + slot.bytes],
        }
        offset += slot.bytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the data begin at a multiple of eight, as the format asks for
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for slot in slots:
            tensor = read(slot.name).to(getattr(torch, slot.dtype)).contiguous()
            if tuple(tensor.shape) != slot.shape:
                raise ValueError(f"{slot.name} has the shape {tuple(tensor.shape)} and not {slot.shape}")
            file.write(tensor.reshape(-1).view(torch.uint8).numpy().data)
