"""A checkpoint's `config.json`, read into shapes without transformers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from t5gemma_app.checkpoints.parameters import SIGLIP, VisionTower, count_parameters
from t5gemma_app.checkpoints.records import Family, Head, ParameterCounts, Problem, Stack
from t5gemma_app.errors import BrokenCheckpointError, UnsupportedCheckpointError

_HEADS: dict[str, tuple[Family, Head]] = {
    "T5GemmaForConditionalGeneration": ("t5gemma", "none"),
    "T5GemmaModel": ("t5gemma", "none"),
    "T5GemmaForSequenceClassification": ("t5gemma", "sequence"),
    "T5GemmaForTokenClassification": ("t5gemma", "token"),
    "T5GemmaEncoderModel": ("t5gemma", "encoder"),
    "T5Gemma2ForConditionalGeneration": ("t5gemma2", "none"),
    "T5Gemma2Model": ("t5gemma2", "none"),
    "T5Gemma2ForSequenceClassification": ("t5gemma2", "sequence"),
    "T5Gemma2ForTokenClassification": ("t5gemma2", "token"),
}
_GENERATORS = {"t5gemma": "T5GemmaForConditionalGeneration", "t5gemma2": "T5Gemma2ForConditionalGeneration"}
_PROBLEMS: dict[str, Problem] = {
    "single_label_classification": "one",
    "multi_label_classification": "several",
    "regression": "number",
}
_TAKEN = "The app takes T5Gemma and T5Gemma 2 checkpoints: generators, sequence and token classifiers, encoders."


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a `config.json` says that the app needs before loading."""

    family: Family
    encoder: Stack
    decoder: Stack | None
    """None for a classifier that is an encoder alone."""
    head: Head
    labels: tuple[str, ...]
    labels_named: bool
    problem: Problem
    tied_head: bool
    attention_bias: bool
    parameters: ParameterCounts


_Layers = Annotated[int, Field(ge=1, le=1000)]
_Size = Annotated[int, Field(ge=1, le=10_000_000)]
_Cap = Annotated[float, Field(gt=0)]


class _Strangers(BaseModel):
    """Values from a file that somebody else wrote; unknown keys are transformers' business."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _Stack(_Strangers):
    """The configuration of one T5Gemma stack, with transformers' defaults."""

    num_hidden_layers: _Layers = 26
    hidden_size: _Size = 2304
    intermediate_size: _Size = 9216
    num_attention_heads: _Size = 8
    num_key_value_heads: _Size = 4
    head_dim: _Size = 256
    vocab_size: _Size = 256_000
    max_position_embeddings: _Size = 8192
    sliding_window: _Size | None = 4096
    layer_types: list[Literal["sliding_attention", "full_attention"]] | None = None
    attn_logit_softcapping: _Cap | None = 50.0
    attention_bias: bool = False
    sliding_window_pattern: _Size = 2

    def stack(self, where: str) -> Stack:
        """Return the shape; `where` names the stack in an error."""
        if self.hidden_size % self.num_attention_heads or self.num_attention_heads % self.num_key_value_heads:
            raise BrokenCheckpointError(
                f"config.json is wrong: the {where} has a width of {self.hidden_size}, "
                f"{self.num_attention_heads} heads and {self.num_key_value_heads} key heads.",
                expected="The width is a multiple of the heads, and the heads are a multiple of the key heads.",
            )
        if self.layer_types is not None and len(self.layer_types) != self.num_hidden_layers:
            raise BrokenCheckpointError(
                f"config.json is wrong: the {where} has {self.num_hidden_layers} layers and "
                f"{len(self.layer_types)} layer types.",
                expected="There is one type for each layer.",
            )
        if self.layer_types is not None:
            sliding = self.layer_types.count("sliding_attention")
        else:
            sliding = self.num_hidden_layers - self.num_hidden_layers // self.sliding_window_pattern
        return Stack(
            layers=self.num_hidden_layers,
            hidden=self.hidden_size,
            intermediate=self.intermediate_size,
            heads=self.num_attention_heads,
            kv_heads=self.num_key_value_heads,
            head_dim=self.head_dim,
            vocabulary=self.vocab_size,
            positions=self.max_position_embeddings,
            window=self.sliding_window or self.max_position_embeddings,
            sliding_layers=sliding,
            softcap=self.attn_logit_softcapping,
        )


class _Stack2(_Stack):
    """The configuration of one T5Gemma 2 stack."""

    vocab_size: _Size = 262_208
    max_position_embeddings: _Size = 131_072
    attn_logit_softcapping: _Cap | None = None
    sliding_window_pattern: _Size = 6


class _Vision(_Strangers):
    num_hidden_layers: _Layers = SIGLIP.layers
    hidden_size: _Size = SIGLIP.hidden
    intermediate_size: _Size = SIGLIP.intermediate
    image_size: _Size = SIGLIP.image
    patch_size: _Size = SIGLIP.patch

    def tower(self) -> VisionTower:
        return VisionTower(
            self.num_hidden_layers, self.hidden_size, self.intermediate_size, self.image_size, self.patch_size
        )


class _Encoder2(_Strangers):
    text_config: _Stack2 = _Stack2()
    vision_config: _Vision = _Vision()


class _Top(_Strangers):
    """The keys both families share."""

    architectures: list[str] | None = None
    is_encoder_decoder: bool = True
    tie_word_embeddings: bool = True
    id2label: dict[int, str] | None = None
    num_labels: _Size | None = None
    problem_type: str | None = None


class _Config(_Top):
    encoder: _Stack = _Stack()
    decoder: _Stack = _Stack()


class _Config2(_Top):
    encoder: _Encoder2 = _Encoder2()
    decoder: _Stack2 = _Stack2()


def read_configuration(config: Mapping[str, Any]) -> Configuration:
    """Read the contents of a `config.json`.

    Raises:
        UnsupportedCheckpointError: It is another architecture, brings its own code, or is quantised.
        BrokenCheckpointError: A value is missing or out of range.
    """
    family, head = _architecture(config)
    try:
        if family == "t5gemma":
            first = _Config.model_validate(config)
            return _describe(family, head, first, first.encoder, first.decoder, None)
        second = _Config2.model_validate(config)
        tower = second.encoder.vision_config.tower()
        return _describe(family, head, second, second.encoder.text_config, second.decoder, tower)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in problem["loc"])
        raise BrokenCheckpointError(
            f"config.json is wrong at {key!r}: {problem['msg']}.",
            remedy="Save the checkpoint again with transformers, or download it again.",
        ) from error


def _architecture(config: Mapping[str, Any]) -> tuple[Family, Head]:
    """Return family and head, or refuse."""
    if config.get("auto_map"):
        raise UnsupportedCheckpointError(
            "config.json asks for the checkpoint's own Python code (auto_map).",
            expected="Code that comes with a checkpoint is never run.",
            remedy="Save the weights with transformers' own T5Gemma classes, then use that folder.",
        )
    model_type, named = config.get("model_type"), config.get("architectures")
    generator = _GENERATORS.get(model_type) if isinstance(model_type, str) else None
    name = (named[0] if isinstance(named, list) else named) if named else generator
    known = _HEADS.get(name) if isinstance(name, str) else None
    if known is None or known[0] != model_type:
        raise UnsupportedCheckpointError(f"This is {name!r} of type {model_type!r}.", expected=_TAKEN)
    if config.get("quantization_config"):
        raise UnsupportedCheckpointError(
            "The checkpoint's weights are quantised.", expected="The app loads float32, bfloat16 and float16 weights."
        )
    return known


def _describe(
    family: Family, head: Head, top: _Top, encoder: _Stack, decoder: _Stack, tower: VisionTower | None
) -> Configuration:
    whole = top.is_encoder_decoder
    if head == "none" and not whole:
        raise UnsupportedCheckpointError(
            "config.json describes an encoder without a decoder or a head.", expected=_TAKEN
        )
    if head == "encoder" and whole:
        raise UnsupportedCheckpointError(
            "config.json names an encoder alone and has is_encoder_decoder set.",
            expected="An encoder alone says is_encoder_decoder: false.",
        )
    labels = _labels(top) if head in ("sequence", "token") else ()
    shapes = (encoder.stack("encoder"), decoder.stack("decoder") if whole else None)
    return Configuration(
        family=family,
        encoder=shapes[0],
        decoder=shapes[1],
        head=head,
        labels=labels,
        labels_named=not labels or labels != _nameless(len(labels)),
        problem=_PROBLEMS.get(top.problem_type or "", "number" if len(labels) == 1 else "one"),
        tied_head=top.tie_word_embeddings,
        attention_bias=encoder.attention_bias,
        parameters=count_parameters(
            shapes[0], shapes[1], family, top.tie_word_embeddings, len(labels), encoder.attention_bias, tower
        ),
    )


def _labels(top: _Top) -> tuple[str, ...]:
    """Return the class names in order; transformers leaves two nameless ones out of the file."""
    if not top.id2label:
        return _nameless(top.num_labels or 2)
    if sorted(top.id2label) != list(range(len(top.id2label))):
        raise BrokenCheckpointError(
            f"config.json names the labels {sorted(top.id2label)}.",
            expected="They are numbered 0, 1, 2, … without gaps.",
        )
    return tuple(top.id2label[index] for index in range(len(top.id2label)))


def _nameless(count: int) -> tuple[str, ...]:
    """Return the names that transformers gives to classes that have none."""
    return tuple(f"LABEL_{index}" for index in range(count))
