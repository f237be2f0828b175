"""Weight files, looked at without reading a weight: shards and safetensors headers."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from t5gemma_app.errors import BrokenCheckpointError, UnsupportedCheckpointError

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json")

MAX_HEADER = 100_000_000
"""The format's own limit, in bytes."""
MAX_JSON = 64_000_000
"""No JSON file beside a checkpoint's weights is near this size, in bytes; a longer one is not read into memory."""

DTYPES = {"F32": "float32", "BF16": "bfloat16", "F16": "float16"}
_SIZES = {"F64": 8, "F32": 4, "BF16": 2, "F16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
_AGAIN = "Download or save the checkpoint again."


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor as a safetensors header announces it."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object from a file of a checkpoint.

    Raises:
        BrokenCheckpointError: It can't be read, is not JSON, or not an object.
    """
    try:
        if path.stat().st_size > MAX_JSON:
            raise BrokenCheckpointError(f"{path.name} has more than {MAX_JSON:,} bytes.", remedy=_AGAIN)
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BrokenCheckpointError(f"{path} can't be read ({error.strerror}).", remedy=_AGAIN) from error
    except (ValueError, RecursionError) as error:
        raise BrokenCheckpointError(f"{path} is not valid JSON ({error}).", remedy=_AGAIN) from error
    if not isinstance(value, dict):
        raise BrokenCheckpointError(f"{path} holds {type(value).__name__}, not an object.", remedy=_AGAIN)
    return value


def weight_files(folder: Path) -> tuple[Path, ...]:
    """Return the safetensors files of a checkpoint, in order.

    Raises:
        UnsupportedCheckpointError: The weights are pickles only.
        BrokenCheckpointError: There are no weights, or shards are missing.
    """
    if (folder / INDEX).is_file():
        names = sorted(set(_weight_map(folder).values()))
        missing = [name for name in names if not (folder / name).is_file()]
        if missing:
            raise BrokenCheckpointError(
                f"{len(missing)} of {len(names)} weight files are missing in {folder}: {', '.join(missing[:3])}"
                f"{' …' if len(missing) > 3 else ''}.",
                remedy=_AGAIN,
            )
        return tuple(folder / name for name in names)
    if (folder / SINGLE).is_file():
        return (folder / SINGLE,)
    pickles = [name for name in PICKLES if (folder / name).is_file()]
    if pickles:
        raise UnsupportedCheckpointError(
            f"The weights in {folder} are a pickle ({pickles[0]}), which can run code when it is opened.",
            expected="The app opens safetensors only.",
            remedy="Convert it where you trust it: load it with transformers and call save_pretrained.",
        )
    raise BrokenCheckpointError(
        f"There are no weights in {folder}.", expected=f"It should hold {SINGLE}, or {INDEX} with its shards."
    )


def _weight_map(folder: Path) -> dict[str, str]:
    """Return the index's map from tensor to file; files outside the folder are refused."""
    weight_map = read_json(folder / INDEX).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise BrokenCheckpointError(f"{folder / INDEX} has no weight_map.", remedy=_AGAIN)
    for name in weight_map.values():
        if not isinstance(name, str) or Path(name).name != name or not name.endswith(".safetensors"):
            raise BrokenCheckpointError(
                f"{folder / INDEX} names the file {name!r}.",
                expected="Shards are safetensors files in the same folder.",
            )
    return weight_map


def read_tensors(folder: Path) -> dict[str, Tensor]:
    """Return every tensor that the headers of a checkpoint's files announce, each file's size checked.

    Raises:
        UnsupportedCheckpointError: The weights are pickles only.
        BrokenCheckpointError: A file is missing, cut short or not safetensors, or the index disagrees.
    """
    tensors: dict[str, Tensor] = {}
    for path in weight_files(folder):
        tensors.update(read_header(path))
    if (folder / INDEX).is_file():
        absent = [name for name in _weight_map(folder) if name not in tensors]
        if absent:
            raise BrokenCheckpointError(
                f"{folder / INDEX} lists {len(absent)} tensors that no file holds, such as {absent[0]}.", remedy=_AGAIN
            )
    return tensors


def read_header(path: Path) -> dict[str, Tensor]:
    """Read the header of a safetensors file, and check that the file is as long as it says.

    Raises:
        BrokenCheckpointError: The file is cut short, damaged or something else.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else -1
            if not 2 <= length <= min(MAX_HEADER, size - 8):
                raise _broken(path, f"its header can't be {length} bytes long in a file of {size}")
            header = json.loads(file.read(length))
    except OSError as error:
        raise _broken(path, f"it can't be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise _broken(path, "its header is not JSON") from error
    if not isinstance(header, dict):
        raise _broken(path, "its header is not an object")
    header.pop("__metadata__", None)
    tensors: dict[str, Tensor] = {}
    end = 0
    for name, entry in header.items():
        tensors[name], last = _tensor(path, name, entry)
        end = max(end, last)
    if not tensors:
        raise _broken(path, "it holds no tensor")
    if end != size - 8 - length:
        raise _broken(path, f"it has {size:,} bytes, and its header announces {8 + length + end:,}")
    return tensors


def _tensor(path: Path, name: str, entry: object) -> tuple[Tensor, int]:
    """Return a header's entry as a value, with the offset at which its data end."""
    if not isinstance(entry, dict):
        raise _broken(path, f"the entry of {name} is not an object")
    dtype: Any = entry.get("dtype")
    shape: Any = entry.get("shape")
    offsets: Any = entry.get("data_offsets")
    if not (_whole(shape) and _whole(offsets) and len(offsets) == 2 and isinstance(dtype, str)):
        raise _broken(path, f"the entry of {name} is incomplete")
    tensor = Tensor(dtype, tuple(shape))
    # A format of tomorrow has a size that is not known here; `stored_dtype` refuses it by name.
    if dtype in _SIZES and offsets[1] - offsets[0] != tensor.count * _SIZES[dtype]:
        raise _broken(path, f"the length of {name} does not fit its shape")
    return tensor, offsets[1]


def _whole(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)


def _broken(path: Path, why: str) -> BrokenCheckpointError:
    return BrokenCheckpointError(f"{path} is damaged: {why}.", remedy=_AGAIN)


def stored_dtype(tensors: Mapping[str, Tensor]) -> str:
    """Return the number format that most of the weights are stored in.

    Raises:
        UnsupportedCheckpointError: It is none that the app computes in, such as an 8-bit one.
    """
    counts: dict[str, int] = {}
    for tensor in tensors.values():
        counts[tensor.dtype] = counts.get(tensor.dtype, 0) + tensor.count
    most = max(counts, key=lambda dtype: counts[dtype])
    if most not in DTYPES:
        raise UnsupportedCheckpointError(
            f"The weights are stored as {most}.", expected=f"The app loads {', '.join(DTYPES.values())}."
        )
    return DTYPES[most]
