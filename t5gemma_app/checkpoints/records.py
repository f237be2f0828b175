"""What is known of a checkpoint before any weight is read: values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Source = Literal["hub", "embedded", "local"]
Family = Literal["t5gemma", "t5gemma2"]
Head = Literal["none", "sequence", "token", "encoder"]
"""What a checkpoint ends in: words, labels of a text, labels of its words, or the encoder's states alone."""
Problem = Literal["one", "several", "number"]
"""What a sequence head answers: one of its labels, any number of them, or a number."""

HEAD_WEIGHTS = "score."
"""Begins the names of a classification head's tensors."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The shape of an encoder or a decoder."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    positions: int
    """Longest input the position encoding was trained for, in tokens."""
    window: int
    """Width of the sliding layers' attention, in tokens."""
    sliding_layers: int
    """How many layers attend within the window only."""
    softcap: float | None
    """Cap of the attention logits (50 in T5Gemma), or None where there is none."""


@dataclass(frozen=True, slots=True)
class ParameterCounts:
    """Parameters by part; tied tables are counted once."""

    encoder: int
    """Encoder layers and norm, without embeddings."""
    decoder: int
    """Decoder layers and norm, without embeddings and without cross-attention."""
    cross_attention: int
    """Cross-attention and its two norms a layer; 0 where it is merged into self-attention (T5Gemma 2)."""
    embeddings: int
    """Embedding tables, and the output head where it is not tied."""
    other: int = 0
    """Vision tower and projector (T5Gemma 2), or a classification head."""

    @property
    def total(self) -> int:
        """All parameters."""
        return self.encoder + self.decoder + self.cross_attention + self.embeddings + self.other


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint that the app may run."""

    name: str
    """What people type and see; unique in the catalogue."""
    source: Source
    location: str
    """Hub id, or the folder as a string."""
    family: Family = "t5gemma"
    encoder: Stack | None = None
    """None for a hub id whose configuration was not read yet."""
    decoder: Stack | None = None
    encoder_size: str = "?"
    """A name such as `s`, `2b`, or the parameters in words such as `1.3M`."""
    decoder_size: str = "?"
    objective: str = "unknown"
    """`prefixlm`, `ul2` or `unknown`."""
    stage: str = "unknown"
    """`pretrained`, `instruction-tuned` or `unknown`."""
    head: Head = "none"
    labels: tuple[str, ...] = ()
    labels_named: bool = True
    """Whether config.json names the labels; else they are LABEL_0, LABEL_1, …"""
    problem: Problem = "one"
    random_head: bool = False
    """Whether its files lack the head's weights, so that its labels would mean nothing."""
    licence: str = "unknown"
    gated: bool = False
    revision: str | None = None
    parameters: ParameterCounts | None = None
    tied_head: bool = True
    dtype: str = "bfloat16"
    """Number format of the weights on disk."""
    description: str = ""
    """What it is, in the words of its card; may be empty."""
    skills: tuple[str, ...] = ()
    """What it was taught, where its card says so."""
    examples: tuple[str, ...] = ()
    """Prompts worth trying, or texts for a head, where its card has some."""
    base: str = ""
    """The checkpoint that its training began with, where its card says so."""
    task: str = ""
    """What it was trained for, such as `superglue:rte`, where its card says so."""
    longest: int = 0
    """Tokens that its training cut inputs to; 0 where its card does not say."""

    @property
    def pair(self) -> str:
        """Encoder and decoder size as one word, such as `9b-2b`."""
        return f"{self.encoder_size}-{self.decoder_size}"

    @property
    def kind(self) -> str:
        """What it is for: `chat`, `text`, `sequence head`, `token head` or `encoder`."""
        if self.head in ("sequence", "token"):
            return f"{self.head} head"
        return "encoder" if self.head == "encoder" else "chat" if self.chats else "text"

    @property
    def chats(self) -> bool:
        """Whether it was taught to follow turns and generates words."""
        return self.stage == "instruction-tuned" and self.head == "none"
