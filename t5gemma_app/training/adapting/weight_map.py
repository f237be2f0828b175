"""Where every tensor of an adapted T5Gemma comes from, and what of the sources is left out: data, no weight.

Knows names and shapes; refuses to know files. `weight_map` is complete by construction and checks itself: each tensor
that the target's configuration calls for is filled exactly once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from t5gemma_app.checkpoints.placement import Reason
from t5gemma_app.checkpoints.records import Stack
from t5gemma_app.errors import BrokenCheckpointError, InputError
from t5gemma_app.training.adapting.source import HEAD, PREFIX, Role, Source, source_tensors

CrossAttention = Literal["copy", "new"]

TARGET_HEAD = "lm_head.out_proj.weight"

_NORMS = {
    "input_layernorm": "pre_self_attn_layernorm",
    "post_attention_layernorm": "post_self_attn_layernorm",
    "pre_feedforward_layernorm": "pre_feedforward_layernorm",
    "post_feedforward_layernorm": "post_feedforward_layernorm",
}
"""Gemma 2's norms with T5Gemma's names for them."""

_CROSS = {
    "self_attn.": "cross_attn.",
    "input_layernorm.": "pre_cross_attn_layernorm.",
    "post_attention_layernorm.": "post_cross_attn_layernorm.",
}
"""What cross-attention copies from self-attention: projections, and the norms they were trained with."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One tensor of the target."""

    target: str
    shape: tuple[int, ...]
    role: Role | None
    """The side that it comes from; None where it is new."""
    source: str
    """The tensor's name there; for a new one how it is begun: `normal` or `zeros`."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A tensor of a source that the target has no place for."""

    role: Role
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class WeightMap:
    """All tensors of the target, and all that is not used."""

    entries: tuple[Entry, ...]
    left_out: tuple[LeftOut, ...]


def choose_cross_attention(encoder: Stack, decoder: Stack, wish: str = "auto") -> Reason:
    """Choose whether cross-attention begins as a copy of the decoder's self-attention.

    Args:
        encoder: The encoder's shape.
        decoder: The decoder's shape.
        wish: `auto`, `copy` or `new`.

    Raises:
        InputError: A copy is asked for and does not fit.
    """
    fits = encoder.hidden == decoder.hidden
    if wish == "copy" and not fits:
        raise InputError(
            f"Cross-attention can't be copied: the encoder's width is {encoder.hidden}, the decoder's is "
            f"{decoder.hidden}.",
            expected="Its keys and values read the encoder's states, so the widths must be equal.",
            remedy="Leave --cross-attention out.",
        )
    if wish in ("copy", "new"):
        return Reason("cross-attention", wish, "asked for")
    if _balanced(encoder, decoder):
        return Reason("cross-attention", "copy", "a balanced pair takes it from the decoder's self-attention")
    return Reason(
        "cross-attention", "new", "an unbalanced pair has no weights for it; it is to be trained alone for a while"
    )


def weight_map(
    encoder: Source, decoder: Source, cross: CrossAttention, expected: Mapping[str, tuple[int, ...]]
) -> WeightMap:
    """Return where every tensor comes from.

    Args:
        encoder: The source of the encoder.
        decoder: The source of the decoder.
        cross: Whether cross-attention is a copy or new.
        expected: Name and shape of every tensor of the target.

    Raises:
        BrokenCheckpointError: A tensor of the target would be filled twice or not at all, or has another shape.
    """
    entries = [
        *_stack("model.encoder.", encoder),
        *_stack("model.decoder.", decoder),
        *(_copied_cross(decoder) if cross == "copy" else _new_cross(expected)),
    ]
    if not decoder.tied:
        entries.append(Entry(TARGET_HEAD, decoder.tensors[HEAD].shape, "decoder", HEAD))
    _refuse_gaps(entries, expected)
    order = {name: place for place, name in enumerate(expected)}
    entries.sort(key=lambda entry: order[entry.target])
    used = {(entry.role, entry.source) for entry in entries}
    left = [
        LeftOut(side.role, name, _why_left(side, name))
        for side in (encoder, decoder)
        for name in side.tensors
        if (side.role, name) not in used
    ]
    return WeightMap(tuple(entries), tuple(left))


def _balanced(encoder: Stack, decoder: Stack) -> bool:
    return all(
        getattr(encoder, name) == getattr(decoder, name)
        for name in ("layers", "hidden", "intermediate", "heads", "kv_heads", "head_dim")
    )


def _stack(prefix: str, source: Source) -> Iterator[Entry]:
    for name, shape in source_tensors(source.config).items():
        index, part = _layer_part(name)
        if part:
            module = part.split(".")[0]
            renamed = part.replace(module, _NORMS.get(module, module), 1)
            yield Entry(f"{prefix}layers.{index}.{renamed}", shape, source.role, name)
        elif name != HEAD:
            yield Entry(prefix + name.removeprefix(PREFIX), shape, source.role, name)


def _copied_cross(source: Source) -> Iterator[Entry]:
    for name, shape in source_tensors(source.config).items():
        index, part = _layer_part(name)
        for own, copied in _CROSS.items():
            if part.startswith(own):
                target = f"model.decoder.layers.{index}.{copied}{part.removeprefix(own)}"
                yield Entry(target, shape, source.role, name)


def _new_cross(expected: Mapping[str, tuple[int, ...]]) -> Iterator[Entry]:
    """Begin cross-attention as transformers does: projections at random, norms and biases at zero."""
    for name, shape in expected.items():
        if "cross_attn" in name:
            yield Entry(name, shape, None, "normal" if len(shape) > 1 else "zeros")


def _layer_part(name: str) -> tuple[str, str]:
    """Return a tensor's layer and its name within; two empty strings where it belongs to no layer."""
    if not name.startswith(f"{PREFIX}layers."):
        return "", ""
    index, _, part = name.removeprefix(f"{PREFIX}layers.").partition(".")
    return index, part


def _refuse_gaps(entries: list[Entry], expected: Mapping[str, tuple[int, ...]]) -> None:
    filled: dict[str, tuple[int, ...]] = {}
    for entry in entries:
        if entry.target in filled:
            raise BrokenCheckpointError(f"{entry.target} would be filled twice.", remedy="Save the sources again.")
        filled[entry.target] = entry.shape
    wrong = [name for name in {**expected, **filled} if filled.get(name) != expected.get(name)]
    if wrong:
        name = wrong[0]
        raise BrokenCheckpointError(
            f"{len(wrong)} tensors do not fit, such as {name}: the sources give {filled.get(name)}.",
            expected=f"T5Gemma has {expected.get(name)} there.",
            remedy="Take sources that transformers saved as Gemma2ForCausalLM.",
        )


def _why_left(source: Source, name: str) -> str:
    if name == HEAD and source.tied:
        return "the output head is tied: it is the embedding table, which the decoder has"
    if name == HEAD:
        return "an encoder has no output head"
    if name.endswith("rotary_emb.inv_freq"):
        return "position frequencies are computed from the configuration"
    return "Gemma 2 has no such tensor"
