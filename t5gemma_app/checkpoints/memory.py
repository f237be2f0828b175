"""How much memory a checkpoint takes while it answers: arithmetic over its shapes.

What depends on the software rather than on the checkpoint are the constants below, each with how it was measured.
"""

from __future__ import annotations

from dataclasses import dataclass

from t5gemma_app.checkpoints.placement import DTYPE_BYTES, Need
from t5gemma_app.checkpoints.records import Checkpoint, ParameterCounts, Stack
from t5gemma_app.errors import CheckpointError

RUNTIME_BYTES = {"cpu": 600_000_000, "cuda": 500_000_000, "mps": 500_000_000}
"""What the process takes beside the parts below.

CPU: resident memory (VmRSS in /proc/self/status) of the app with torch 2.13 (CPU build), transformers 5.23 and Gradio
6.31 imported and no checkpoint loaded is 495 MB; the buffers that decoding leaves in the allocator make up the rest. A
checkpoint of the shape of t5gemma-s-s in float32 with its 8-bit table took 2,120 MB after an answer of 256 tokens to
some 1,000, against 2,051 MB estimated. CUDA: a context with its kernels.
"""

LOGIT_COPIES = 4
"""Float32 arrays over the vocabulary that are alive while a token is sampled: logits, sorted values, their places (as
64-bit numbers they count twice)."""

FILE_SHARE = 0.0
"""Share of the weight file whose pages stay in resident memory after loading.

None do once the weights are cast to another format: file pages grew by 19 MB of 625 in that measurement. Weights in the
file's own format stay mapped and are counted as weights; rows of the embedding that no prompt uses are then not
resident, so the estimate is an upper limit (914 MB taken, 1,136 MB estimated in bfloat16).
"""

SCREENED_WEIGHTS = 1 << 24
"""From this many weights on, the output table is kept a second time in 8 bits, on the CPU in float32."""

LARGEST_ORDERED = 512_000_000
"""Bytes of layers that are kept a second time in the order of the processor's products, on the CPU in float32."""

SMALLEST_ORDERED = 1 << 18
"""Numbers of a weight below which that gains nothing."""

STREAMS = 4
"""Arrays of one layer's width that are alive in a pass beside the feed-forward: residual, normed, queries, output."""


@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """The memory a checkpoint takes while it answers, in bytes and by part."""

    weights: int
    """Every parameter once, tied tables too."""
    self_cache: int
    """Keys and values of the answer, sliding layers within their window only."""
    cross_cache: int
    """Keys and values of the prompt, in every layer of the decoder."""
    logits: int
    """The scores of all words for the next token, with the copies that sampling makes."""
    activations: int
    """The widest moment of a pass over the prompt; attention scores are computed in tiles and stay small."""
    runtime: int
    """The process itself, or the device's context."""
    screen: int = 0
    """The output table in 8 bits with its bounds, on the CPU in float32."""
    ordered: int = 0
    """The layers in the order of the processor's products, on the CPU in float32; some processors need no such copy."""

    @property
    def total(self) -> int:
        """All parts."""
        return self.checkpoint + self.runtime

    @property
    def checkpoint(self) -> int:
        """What the checkpoint adds to a process that runs already."""
        caches = self.self_cache + self.cross_cache
        return self.weights + caches + self.logits + self.activations + self.screen + self.ordered


def estimate_memory(
    checkpoint: Checkpoint,
    dtype: str,
    prompt_tokens: int = 1024,
    answer_tokens: int = 256,
    batch: int = 1,
    device_kind: str = "cpu",
) -> MemoryEstimate:
    """Estimate the memory a checkpoint takes while it answers.

    Args:
        checkpoint: A checkpoint whose configuration was read.
        dtype: Number format of the weights and caches.
        prompt_tokens: Length of a prompt.
        answer_tokens: Length of an answer.
        batch: Prompts that are answered at the same time.
        device_kind: `cpu`, `cuda` or `mps`.

    Raises:
        CheckpointError: The checkpoint's configuration was not read yet.
    """
    encoder, decoder, parameters = checkpoint.encoder, checkpoint.decoder, checkpoint.parameters
    if encoder is None or parameters is None:
        raise CheckpointError(
            f"The size of {checkpoint.name} is not known yet.",
            remedy="Load it once, or give the app access to the Hub.",
        )
    size = DTYPE_BYTES[dtype]
    if decoder is None or checkpoint.head != "none":
        self_cache = cross_cache = logits = screen = ordered = 0
    else:
        self_cache = _self_cache(decoder, answer_tokens, batch, size)
        cross_cache = _cross_cache(decoder, prompt_tokens, batch, size)
        logits = batch * decoder.vocabulary * 4 * LOGIT_COPIES
        doubled = checkpoint.family == "t5gemma" and (device_kind, dtype) == ("cpu", "float32")
        screen = _screen(decoder) if doubled else 0
        ordered = _ordered(encoder, decoder, parameters) if doubled else 0
    mapped = int(FILE_SHARE * parameters.total * DTYPE_BYTES[checkpoint.dtype])
    return MemoryEstimate(
        weights=parameters.total * size + mapped,
        self_cache=self_cache,
        cross_cache=cross_cache,
        logits=logits,
        activations=_activations(encoder, prompt_tokens, batch, size),
        runtime=RUNTIME_BYTES.get(device_kind, 0),
        screen=screen,
        ordered=ordered,
    )


def _screen(decoder: Stack) -> int:
    """Count a byte a weight, and scale, length and residual of each word in float32."""
    if decoder.vocabulary * decoder.hidden < SCREENED_WEIGHTS:
        return 0
    return decoder.vocabulary * (decoder.hidden + 3 * 4)


def _ordered(encoder: Stack, decoder: Stack, parameters: ParameterCounts) -> int:
    """Count the layers once more, if they are neither too small nor too large for it."""
    if max(stack.hidden * stack.intermediate for stack in (encoder, decoder)) < SMALLEST_ORDERED:
        return 0
    layers = (parameters.encoder + parameters.decoder + parameters.cross_attention) * DTYPE_BYTES["float32"]
    return layers if layers <= LARGEST_ORDERED else 0


def _self_cache(decoder: Stack, tokens: int, batch: int, size: int) -> int:
    full = decoder.layers - decoder.sliding_layers
    positions = full * tokens + decoder.sliding_layers * min(tokens, decoder.window)
    return 2 * batch * decoder.kv_heads * decoder.head_dim * positions * size


def _cross_cache(decoder: Stack, tokens: int, batch: int, size: int) -> int:
    return 2 * batch * decoder.kv_heads * decoder.head_dim * decoder.layers * tokens * size


def _activations(encoder: Stack, tokens: int, batch: int, size: int) -> int:
    """Count gate, up and their product, and the streams of the layer's width around them."""
    return batch * tokens * (3 * encoder.intermediate + STREAMS * encoder.hidden) * size


def need_of(
    checkpoint: Checkpoint,
    prompt_tokens: int = 1024,
    answer_tokens: int = 256,
    batch: int = 1,
    device_kind: str = "cpu",
    padded_teacher_forcing: bool = False,
) -> Need:
    """Return what a checkpoint asks of a device, beside what the running process takes already.

    Raises:
        CheckpointError: The checkpoint's configuration was not read yet.
    """
    sizes = {
        dtype: estimate_memory(checkpoint, dtype, prompt_tokens, answer_tokens, batch, device_kind).checkpoint
        for dtype in DTYPE_BYTES
    }
    stacks = [stack for stack in (checkpoint.encoder, checkpoint.decoder) if stack is not None]
    return Need(
        bytes_by_dtype=sizes,
        softcap=any(stack.softcap is not None for stack in stacks),
        flash_family=checkpoint.family == "t5gemma",
        head_dim=max(stack.head_dim for stack in stacks),
        padded_teacher_forcing=padded_teacher_forcing,
    )


def in_words(size: int) -> str:
    """Return a number of bytes as people say it: `812 MB`, `1.3 GB`."""
    for unit, unit_bytes in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        # 999,700,000 bytes are "1.0 GB", not "1000 MB"
        if size >= unit_bytes * 0.9995:
            value = size / unit_bytes
            return f"{value:.0f} {unit}" if value >= 99.95 else f"{value:.1f} {unit}"
    return f"{size} B"
