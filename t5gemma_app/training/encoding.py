"""Typed rows as token ids, encoded as the engine encodes what it is asked later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from t5gemma_app.engine.encode import TextEncoder
from t5gemma_app.engine.types import Piece
from t5gemma_app.errors import InputError
from t5gemma_app.tasks.turns import END_OF_TURN, write_turns
from t5gemma_app.tasks.words import Range, given_words, join_tokens
from t5gemma_app.training.data.rows import AnswerRow, TextRow, WordRow
from t5gemma_app.training.examples import Example
from t5gemma_app.training.parallel import IGNORED


@dataclass(frozen=True, slots=True)
class Encoded:
    """The examples of one part of the data."""

    examples: tuple[Example, ...]
    cut: int
    """Rows that were longer than what is read, and lost their end."""
    left_out: int = 0
    """Rows that were left out because cutting them would change what they ask or answer."""


def encode_texts(encoder: TextEncoder, rows: Sequence[TextRow], labels: Sequence[str], longest: int) -> Encoded:
    """Encode texts with a label each; of two texts the first is cut where both are too long together."""
    numbers = {label: number for number, label in enumerate(labels)}
    examples: list[Example] = []
    cut = 0
    for row in rows:
        ids = encoder.paired_ids(row.text, row.pair)
        if len(ids) > longest:
            cut += 1
            ids = encoder.shortened_ids(row.text, row.pair, longest)
        examples.append(Example(tuple(ids), (numbers[row.label],)))
    return Encoded(tuple(examples), cut)


def encode_words(encoder: TextEncoder, rows: Sequence[WordRow], labels: Sequence[str], longest: int) -> Encoded:
    """Encode words with a tag each: a word's label stands at its first piece, and all other places have none."""
    numbers = {label: number for number, label in enumerate(labels)}
    examples: list[Example] = []
    cut = 0
    for row in rows:
        text, places = join_tokens(row.tokens)
        tokens = encoder.tokens(text)
        ids, before = encoder.windowed_ids([token.id for token in tokens])
        targets = [IGNORED] * len(ids)
        for word, tag in zip(given_words(places, [Range(t.start, t.end) for t in tokens]), row.tags, strict=True):
            if word.pieces:
                targets[before + word.pieces[0]] = numbers[tag]
        kept = targets[:longest]
        lost = len(row.tags) - sum(target != IGNORED for target in kept)
        cut += len(ids) > longest
        examples.append(Example(tuple(ids[:longest]), tuple(kept), lost))
    return Encoded(tuple(examples), cut)


def encode_answers(encoder: TextEncoder, rows: Sequence[AnswerRow], longest: int, *, turns: bool) -> Encoded:
    """Encode prompts and answers; rows of which either is too long are left out.

    Args:
        encoder: The checkpoint's tokenizer.
        rows: What is asked and answered.
        longest: Tokens that a prompt or an answer may have.
        turns: Whether Gemma's turns are written around the prompt, and the answer ends as a turn does.
    """
    (end,) = encoder.ids([Piece(END_OF_TURN if turns else "<eos>", control=True)])
    examples: list[Example] = []
    left_out = 0
    for row in rows:
        if turns:
            inputs = encoder.ids(write_turns(row.turns, answer=row.opened))
        else:
            inputs = encoder.framed_ids("\n".join(turn.text for turn in row.turns))
        targets = [*encoder.text_ids(row.response.strip() if turns else row.response), end]
        if max(len(inputs), len(targets)) > longest:
            left_out += 1
        else:
            examples.append(Example(tuple(inputs), tuple(targets)))
    if not examples:
        raise InputError(
            f"All {len(rows)} rows are longer than {longest} tokens.", remedy="Raise --longest, or shorten the rows."
        )
    return Encoded(tuple(examples), 0, left_out)
