"""A decoder-only Gemma 2 checkpoint as it lies in a folder: configuration and headers, no weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from huggingface_hub.errors import StrictDataclassError
from transformers import Gemma2Config

from t5gemma_app.checkpoints.weights import DTYPES, Tensor, read_header, read_json, stored_dtype, weight_files
from t5gemma_app.errors import BrokenCheckpointError, UnknownCheckpointError, UnsupportedCheckpointError

Role = Literal["encoder", "decoder"]

PREFIX = "model."
HEAD = "lm_head.weight"

_ARCHITECTURES = ("Gemma2ForCausalLM", "Gemma2Model")
_TAKEN = "T5Gemma is adapted from decoder-only Gemma 2 checkpoints (Gemma2ForCausalLM)."
_GEMMA_3 = (
    "T5Gemma 2 is not adapted from Gemma 3 here: every T5Gemma 2 encoder holds an image tower and its projection, "
    "for which a text checkpoint has no weights, and random ones would pass for a T5Gemma 2."
)


@dataclass(frozen=True, slots=True)
class Source:
    """One side of an adaptation."""

    role: Role
    folder: Path
    config: Gemma2Config
    tensors: Mapping[str, Tensor]
    """By the name that Gemma2ForCausalLM gives them."""
    places: Mapping[str, tuple[Path, str]]
    """The file each tensor lies in, and its name there."""
    dtype: str

    @property
    def tied(self) -> bool:
        """Whether the output head is the embedding table."""
        return bool(self.config.tie_word_embeddings)


def read_source(folder: Path, role: Role) -> Source:
    """Read a folder's configuration and the headers of its weights.

    Raises:
        UnknownCheckpointError: There is no such folder.
        UnsupportedCheckpointError: It is another architecture, brings its own code, or is a pickle.
        BrokenCheckpointError: A file is missing, damaged or wrong.
    """
    if not folder.is_dir():
        raise UnknownCheckpointError(f"There is no folder {folder} for the {role}.", expected=_TAKEN)
    if not (folder / "config.json").is_file():
        raise BrokenCheckpointError(f"{folder} holds no config.json.", expected=_TAKEN)
    config = _config(read_json(folder / "config.json"), folder, role)
    tensors: dict[str, Tensor] = {}
    places: dict[str, tuple[Path, str]] = {}
    for path in weight_files(folder):
        for stored, tensor in read_header(path).items():
            # A bare Gemma2Model is saved without the prefix.
            name = stored if stored.startswith((PREFIX, "lm_head.")) else PREFIX + stored
            tensors[name] = tensor
            places[name] = (path, stored)
    return Source(role, folder, config, tensors, places, stored_dtype(tensors))


def source_tensors(config: Gemma2Config) -> dict[str, tuple[int, ...]]:
    """Return name and shape of every tensor of a Gemma2ForCausalLM; a tied head is left out."""
    hidden, middle = config.hidden_size, config.intermediate_size
    queries, keys = config.num_attention_heads * config.head_dim, config.num_key_value_heads * config.head_dim
    shapes: dict[str, tuple[int, ...]] = {
        f"{PREFIX}embed_tokens.weight": (config.vocab_size, hidden),
        f"{PREFIX}norm.weight": (hidden,),
    }
    for index in range(config.num_hidden_layers):
        layer = f"{PREFIX}layers.{index}."
        for name, rows, columns in (
            ("self_attn.q_proj", queries, hidden),
            ("self_attn.k_proj", keys, hidden),
            ("self_attn.v_proj", keys, hidden),
            ("self_attn.o_proj", hidden, queries),
            ("mlp.gate_proj", middle, hidden),
            ("mlp.up_proj", middle, hidden),
            ("mlp.down_proj", hidden, middle),
        ):
            shapes[f"{layer}{name}.weight"] = (rows, columns)
            if config.attention_bias and name.startswith("self_attn"):
                shapes[f"{layer}{name}.bias"] = (rows,)
        for name in ("input", "post_attention", "pre_feedforward", "post_feedforward"):
            shapes[f"{layer}{name}_layernorm.weight"] = (hidden,)
    if not config.tie_word_embeddings:
        shapes[HEAD] = (config.vocab_size, hidden)
    return shapes


def check_source(source: Source) -> None:
    """Check that a source holds what its configuration calls for, in number formats that can be read.

    Raises:
        BrokenCheckpointError: A tensor is missing or has another shape; the message names the first.
        UnsupportedCheckpointError: A tensor is stored in a format such as an 8-bit one.
    """
    expected = source_tensors(source.config)
    missing = [name for name in expected if name not in source.tensors]
    if missing:
        raise BrokenCheckpointError(
            f"The {source.role}'s {source.folder} lacks {len(missing)} of its {len(expected)} tensors, "
            f"such as {missing[0]}.",
            remedy="Download or save it again.",
        )
    for name, shape in expected.items():
        found = source.tensors[name]
        if found.shape != shape:
            raise BrokenCheckpointError(
                f"{name} of {source.folder} has the shape {list(found.shape)}.",
                expected=f"Its config.json calls for {list(shape)}.",
            )
        if found.dtype not in DTYPES:
            raise UnsupportedCheckpointError(
                f"{name} of {source.folder} is stored as {found.dtype}.",
                expected=f"Weights are read from {', '.join(DTYPES.values())}.",
            )


def _config(values: dict[str, Any], folder: Path, role: Role) -> Gemma2Config:
    if values.get("auto_map"):
        raise UnsupportedCheckpointError(
            f"{folder} asks for its own Python code (auto_map).", expected="Code that comes with weights is never run."
        )
    if values.get("quantization_config"):
        raise UnsupportedCheckpointError(f"The weights of {folder} are quantised.", expected="Take the original ones.")
    kind, named = values.get("model_type"), values.get("architectures") or [_ARCHITECTURES[0]]
    if isinstance(kind, str) and kind.startswith("gemma3"):
        raise UnsupportedCheckpointError(f"The {role} is a {kind}.", expected=_GEMMA_3)
    if kind != "gemma2" or not isinstance(named, list) or named[0] not in _ARCHITECTURES:
        raise UnsupportedCheckpointError(f"The {role} is {named!r} of type {kind!r}.", expected=_TAKEN)
    if role == "decoder" and values.get("use_bidirectional_attention"):
        raise UnsupportedCheckpointError(
            f"{folder} attends in both directions.", expected="A decoder must attend to what came before only."
        )
    try:
        return Gemma2Config.from_dict(values)
    except (StrictDataclassError, ValueError, TypeError) as error:
        raise BrokenCheckpointError(f"config.json of {folder} is wrong: {_in_one_line(error)}.") from error


def _in_one_line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
