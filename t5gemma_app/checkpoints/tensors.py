"""The tensors that a checkpoint of a given configuration must hold: names and shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from t5gemma_app.checkpoints.configuration import Configuration
from t5gemma_app.checkpoints.records import Stack
from t5gemma_app.checkpoints.weights import Tensor
from t5gemma_app.errors import BrokenCheckpointError

HEAD = "lm_head.out_proj.weight"
TABLE = "model.decoder.embed_tokens.weight"


def expected_tensors(configuration: Configuration) -> dict[str, tuple[int, ...]]:
    """Return name and shape of every tensor of a T5Gemma; a tied head is left out, as transformers leaves it out."""
    encoder, decoder = configuration.encoder, configuration.decoder
    prefix = "encoder" if configuration.head == "encoder" else "model.encoder"
    tensors = dict(_stack(prefix, encoder, None, configuration.attention_bias))
    if decoder is not None:
        tensors.update(_stack("model.decoder", decoder, encoder, configuration.attention_bias))
    if configuration.labels:
        last = encoder if decoder is None else decoder
        tensors["score.out_proj.weight"] = (len(configuration.labels), last.hidden)
        tensors["score.out_proj.bias"] = (len(configuration.labels),)
    elif decoder is not None and not configuration.tied_head:
        tensors[HEAD] = (decoder.vocabulary, decoder.hidden)
    return tensors


def check_tensors(configuration: Configuration, tensors: Mapping[str, Tensor]) -> None:
    """Check that a checkpoint's tensors are those of its configuration.

    T5Gemma 2 is taken as it is: its released files carry further copies and other names than transformers' modules.

    Raises:
        BrokenCheckpointError: A tensor is missing or has another shape; the message names the first.
    """
    if configuration.family != "t5gemma":
        return
    expected = expected_tensors(configuration)
    if configuration.tied_head and HEAD in tensors and TABLE not in tensors:
        expected[HEAD] = expected.pop(TABLE)  # the same table, saved under its other name
    missing = [name for name in expected if name not in tensors]
    if missing:
        raise BrokenCheckpointError(
            f"{len(missing)} of {len(expected)} tensors that config.json calls for are missing, such as {missing[0]}.",
            remedy="The weights belong to another configuration, or were saved in part.",
        )
    for name, shape in expected.items():
        if tensors[name].shape != shape:
            raise BrokenCheckpointError(
                f"{name} has the shape {_words(tensors[name].shape)}.",
                expected=f"config.json calls for {_words(shape)}.",
                remedy="The weights belong to another configuration.",
            )


def _stack(prefix: str, stack: Stack, source: Stack | None, bias: bool) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{prefix}.embed_tokens.weight", (stack.vocabulary, stack.hidden)
    yield f"{prefix}.norm.weight", (stack.hidden,)
    for index in range(stack.layers):
        layer = f"{prefix}.layers.{index}"
        yield from _attention(f"{layer}.self_attn", stack, stack.hidden, bias)
        norms = ["self_attn", "feedforward"]
        if source is not None:
            yield from _attention(f"{layer}.cross_attn", stack, source.hidden, bias)
            norms.append("cross_attn")
        for name in norms:
            yield f"{layer}.pre_{name}_layernorm.weight", (stack.hidden,)
            yield f"{layer}.post_{name}_layernorm.weight", (stack.hidden,)
        yield f"{layer}.mlp.gate_proj.weight", (stack.intermediate, stack.hidden)
        yield f"{layer}.mlp.up_proj.weight", (stack.intermediate, stack.hidden)
        yield f"{layer}.mlp.down_proj.weight", (stack.hidden, stack.intermediate)


def _attention(prefix: str, stack: Stack, source: int, bias: bool) -> Iterator[tuple[str, tuple[int, ...]]]:
    queries, keys = stack.heads * stack.head_dim, stack.kv_heads * stack.head_dim
    for name, rows, columns in (
        ("q_proj", queries, stack.hidden),
        ("k_proj", keys, source),
        ("v_proj", keys, source),
        ("o_proj", stack.hidden, queries),
    ):
        yield f"{prefix}.{name}.weight", (rows, columns)
        if bias:
            yield f"{prefix}.{name}.bias", (rows,)


def _words(shape: tuple[int, ...]) -> str:
    return " × ".join(str(size) for size in shape)
