"""The official files' lines, checked, and the flat rows that are made of them.

A flat row has the fields of the Hub's tables: labels are class numbers, MultiRC has a row for every answer, ReCoRD one
for every query with its entities and answers as sorted texts without repeats.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Text = Annotated[str, Field(min_length=1)]
Index = Annotated[int, Field(ge=0)]
Flat = dict[str, Any]


def _unique(names: object) -> tuple[str, ...]:
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{names!r:.60} is no list of texts")
    return tuple(sorted(set(names)))


Names = Annotated[tuple[Text, ...], BeforeValidator(_unique), Field(min_length=1)]


class Line(BaseModel):
    """What every official line has; fields that nothing reads are let through."""

    model_config = ConfigDict(extra="ignore", strict=True)


def numbered(*names: str) -> BeforeValidator:
    """Return a validator that turns a label into its class number; a number in range stands for itself."""

    def number(label: object) -> int:
        if isinstance(label, bool):
            label = str(label)
        if isinstance(label, str) and label in names:
            return names.index(label)
        if isinstance(label, int) and 0 <= label < len(names):
            return label
        raise ValueError(f"the label {label!r} is unknown; it must be {', '.join(names[:-1])} or {names[-1]}")

    return BeforeValidator(number)


Truth = Annotated[int, numbered("False", "True")]


class BoolqLine(Line):
    """A question about a passage."""

    idx: Index
    passage: Text
    question: Text
    label: Truth


class CbLine(Line):
    """A premise and a hypothesis, three classes."""

    idx: Index
    premise: Text
    hypothesis: Text
    label: Annotated[int, numbered("entailment", "contradiction", "neutral")]


class RteLine(Line):
    """A premise and a hypothesis, two classes."""

    idx: Index
    premise: Text
    hypothesis: Text
    label: Annotated[int, numbered("entailment", "not_entailment")]


class CopaLine(Line):
    """A premise and two alternatives."""

    idx: Index
    premise: Text
    choice1: Text
    choice2: Text
    question: Literal["cause", "effect"]
    label: Annotated[int, numbered("choice1", "choice2")]


class WicLine(Line):
    """Two sentences that share a word, with the characters where it stands."""

    idx: Index
    word: Text
    sentence1: Text
    sentence2: Text
    start1: Index
    start2: Index
    end1: Index
    end2: Index
    label: Truth

    @model_validator(mode="after")
    def _spans_fit(self) -> WicLine:
        for sentence, start, end, number in (
            (self.sentence1, self.start1, self.end1, 1),
            (self.sentence2, self.start2, self.end2, 2),
        ):
            if not start < end <= len(sentence):
                raise ValueError(
                    f"start{number} {start} and end{number} {end} are no span of sentence{number}, "
                    f"which has {len(sentence)} characters"
                )
        return self


class WscLine(Line):
    """A text, a pronoun and a noun; an official line's `target` is laid out beside the text first."""

    idx: Index
    text: Text
    span1_index: Index
    span1_text: Text
    span2_index: Index
    span2_text: Text
    label: Truth

    @model_validator(mode="before")
    @classmethod
    def _laid_out(cls, line: Any) -> Any:
        if isinstance(line, Mapping) and isinstance(line.get("target"), Mapping):
            return {**line, **line["target"]}
        return line

    @model_validator(mode="after")
    def _spans_fit(self) -> WscLine:
        words = len(self.text.split())
        for name, index in (("span1_index", self.span1_index), ("span2_index", self.span2_index)):
            if index >= words:
                raise ValueError(f"{name} is {index}, but the text has {words} words")
        return self


class MultircPlace(Line):
    """The numbers of an answer, its question and its paragraph."""

    paragraph: Index
    question: Index
    answer: Index


class MultircRow(Line):
    """One answer to one question."""

    idx: MultircPlace
    paragraph: Text
    question: Text
    answer: str
    label: Truth


class RecordPlace(Line):
    """The numbers of a query and its passage."""

    passage: Index
    query: Index


class RecordRow(Line):
    """One query with its entities and answers."""

    idx: RecordPlace
    passage: Text
    query: Text
    entities: Names
    answers: Names


class MultircAnswer(Line):
    """A proposed answer; it may be empty."""

    idx: Index
    text: str
    label: Truth


class MultircQuestion(Line):
    """A question and the answers proposed to it."""

    idx: Index
    question: Text
    answers: list[MultircAnswer]


class MultircPassage(Line):
    """A paragraph and what is asked about it."""

    text: Text
    questions: list[MultircQuestion]


class MultircLine(Line):
    """A paragraph with its number."""

    idx: Index
    passage: MultircPassage


class RecordSpan(Line):
    """Where an entity stands; the end is its last character."""

    start: Index
    end: Index


class RecordPassage(Line):
    """An article and its entities."""

    text: Text
    entities: Annotated[list[RecordSpan], Field(min_length=1)]

    @model_validator(mode="after")
    def _spans_fit(self) -> RecordPassage:
        for number, span in enumerate(self.entities):
            if not span.start <= span.end < len(self.text):
                raise ValueError(f"entity {number} is no span of the text's {len(self.text)} characters")
        return self


class RecordMention(Line):
    """An entity as the article writes it."""

    text: Text


class RecordQuery(Line):
    """A sentence with a gap and the mentions that fill it."""

    idx: Index
    query: Text
    answers: Annotated[list[RecordMention], Field(min_length=1)]


class RecordLine(Line):
    """An article with its number and the queries about it."""

    idx: Index
    passage: RecordPassage
    qas: list[RecordQuery]


def flat_rows(benchmark: str, line: object) -> Iterator[Flat]:
    """Yield the flat rows of one official line.

    Raises:
        pydantic.ValidationError: The line is not what the benchmark's official files hold.
    """
    if benchmark == "multirc":
        yield from _answers(MultircLine.model_validate(line))
    elif benchmark == "record":
        yield from _queries(RecordLine.model_validate(line))
    else:
        yield _ROWS[benchmark].model_validate(line).model_dump()


def flat_row(benchmark: str, row: Mapping[str, Any]) -> Flat:
    """Return a row of the Hub's tables, checked.

    Raises:
        pydantic.ValidationError: The row is not what the benchmark's table holds.
    """
    return _ROWS[benchmark].model_validate(row).model_dump()


def _answers(line: MultircLine) -> Iterator[Flat]:
    for question in line.passage.questions:
        for answer in question.answers:
            yield {
                "idx": {"paragraph": line.idx, "question": question.idx, "answer": answer.idx},
                "paragraph": line.passage.text,
                "question": question.question,
                "answer": answer.text,
                "label": answer.label,
            }


def _queries(line: RecordLine) -> Iterator[Flat]:
    text = line.passage.text
    entities = {text[span.start : span.end + 1] for span in line.passage.entities}
    for query in line.qas:
        yield {
            "idx": {"passage": line.idx, "query": query.idx},
            "passage": text,
            "query": query.query,
            "entities": tuple(sorted(entities)),
            "answers": tuple(sorted({mention.text for mention in query.answers})),
        }


_ROWS: dict[str, type[Line]] = {
    "boolq": BoolqLine,
    "cb": CbLine,
    "copa": CopaLine,
    "multirc": MultircRow,
    "record": RecordRow,
    "rte": RteLine,
    "wic": WicLine,
    "wsc": WscLine,
}
