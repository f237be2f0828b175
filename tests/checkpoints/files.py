"""Small checkpoints on disk, written by transformers itself."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

from t5gemma_app.checkpoints.records import Stack
from t5gemma_app.checkpoints.sizes import t5gemma_config_dict

TINY = Stack(
    layers=3, hidden=48, intermediate=80, heads=4, kv_heads=2, head_dim=16, vocabulary=97, positions=256, window=24,
    sliding_layers=2, softcap=50.0,
)  # fmt: skip
WIDE = replace(TINY, layers=2, hidden=64, intermediate=96, kv_heads=4, sliding_layers=1)


def save(folder: Path, name: str = "T5GemmaForConditionalGeneration", shards: str = "5GB", **changes: Any) -> Path:
    """Write a tiny checkpoint of this class, its configuration changed by keyword."""
    import transformers

    config = transformers.T5GemmaConfig(**{**t5gemma_config_dict(TINY, WIDE), **changes})
    getattr(transformers, name)(config).save_pretrained(folder, max_shard_size=shards)
    return folder


def header_of(path: Path) -> tuple[dict[str, Any], bytes]:
    """Return a safetensors file's header and data."""
    raw = path.read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    return json.loads(raw[8 : 8 + length]), raw[8 + length :]


def write(path: Path, header: object, data: bytes = b"") -> None:
    """Write a safetensors file with any header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def change_json(path: Path, **changes: Any) -> None:
    """Change keys of a JSON object in a file; None removes one."""
    values = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps({key: value for key, value in values.items() if value is not None}), encoding="utf-8")
