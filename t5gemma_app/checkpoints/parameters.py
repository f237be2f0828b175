"""How many parameters a checkpoint has, by part: arithmetic over shapes, exact to the last one."""

from __future__ import annotations

from dataclasses import dataclass

from t5gemma_app.checkpoints.records import Family, ParameterCounts, Stack


@dataclass(frozen=True, slots=True)
class VisionTower:
    """The shape of T5Gemma 2's image encoder, a SigLIP without its pooling head."""

    layers: int = 27
    hidden: int = 1152
    intermediate: int = 4304
    image: int = 896
    """Width and height of an image, in pixels."""
    patch: int = 14
    """Width and height of a patch, in pixels."""

    @property
    def parameters(self) -> int:
        """Every weight and bias of the tower."""
        patches = 3 * self.patch**2 * self.hidden + self.hidden
        positions = (self.image // self.patch) ** 2 * self.hidden
        attention = 4 * (self.hidden**2 + self.hidden)
        feed_forward = 2 * self.hidden * self.intermediate + self.intermediate + self.hidden
        norm = 2 * self.hidden
        return patches + positions + self.layers * (attention + feed_forward + 2 * norm) + norm


SIGLIP = VisionTower()


def count_parameters(
    encoder: Stack,
    decoder: Stack | None,
    family: Family = "t5gemma",
    tied_head: bool = True,
    labels: int = 0,
    attention_bias: bool = False,
    vision: VisionTower | None = SIGLIP,
) -> ParameterCounts:
    """Count the parameters of a checkpoint by part.

    Args:
        encoder: The encoder's shape.
        decoder: The decoder's shape; None for a classifier that is an encoder alone.
        family: Which architecture the shapes belong to.
        tied_head: Whether the output head is the decoder's embedding table.
        labels: How many classes a classification head has; 0 where words are generated.
        attention_bias: Whether the attention's projections have biases.
        vision: The image encoder; only T5Gemma 2 has one.
    """
    generates = decoder is not None and not labels
    if family == "t5gemma2":
        # One table serves the encoder, the decoder and the head; beside it lies the embedding of the end of an image.
        embeddings = encoder.vocabulary * encoder.hidden + encoder.hidden
        untied = 0 if tied_head or not generates or decoder is None else decoder.vocabulary * decoder.hidden
        tower = 0 if vision is None else vision.parameters + vision.hidden * encoder.hidden + vision.hidden
        cross = 0
    else:
        embeddings = encoder.vocabulary * encoder.hidden
        untied = 0
        if decoder is not None:
            table = decoder.vocabulary * decoder.hidden
            embeddings += table
            untied = 0 if tied_head or not generates else table
        tower = 0
        cross = 0 if decoder is None else cross_attention_parameters(encoder, decoder, attention_bias)
    last = encoder.hidden if decoder is None else decoder.hidden
    return ParameterCounts(
        encoder=stack_parameters(encoder, family, attention_bias),
        decoder=0 if decoder is None else stack_parameters(decoder, family, attention_bias),
        cross_attention=cross,
        embeddings=embeddings + untied,
        other=tower + (labels * last + labels if labels else 0),
    )


def stack_parameters(stack: Stack, family: Family = "t5gemma", attention_bias: bool = False) -> int:
    """Count a stack's layers and its last norm, without embeddings and without cross-attention."""
    attention = _attention(stack, stack.hidden, attention_bias)
    if family == "t5gemma2":
        attention += 2 * stack.head_dim  # the norms of queries and keys
    feed_forward = 3 * stack.hidden * stack.intermediate
    norms = 4 * stack.hidden
    return stack.layers * (attention + feed_forward + norms) + stack.hidden


def cross_attention_parameters(encoder: Stack, decoder: Stack, attention_bias: bool = False) -> int:
    """Count the decoder's cross-attention and its two norms a layer."""
    return decoder.layers * (_attention(decoder, encoder.hidden, attention_bias) + 2 * decoder.hidden)


def _attention(stack: Stack, source: int, bias: bool) -> int:
    """Count one attention of `stack` whose keys and values are projected from `source` features."""
    queries = stack.heads * stack.head_dim
    keys = stack.kv_heads * stack.head_dim
    weights = stack.hidden * queries + 2 * source * keys + queries * stack.hidden
    return weights + (queries + 2 * keys + stack.hidden if bias else 0)


def count_in_words(count: int) -> str:
    """Return a number of parameters as people say it: `870K`, `1.3M`, `313M`, `5.6B`."""
    for unit, size in (("B", 10**9), ("M", 10**6), ("K", 10**3)):
        # 999,600 is "1.0M", not "1000K"
        if count >= size * 0.9995:
            value = count / size
            return f"{value:.0f}{unit}" if value >= 99.95 else f"{value:.1f}{unit}"
    return str(count)
