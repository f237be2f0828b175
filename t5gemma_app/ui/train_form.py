"""What the Train tab's controls say, as an order; whatever a page or a program sends is checked here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from t5gemma_app.errors import InputError
from t5gemma_app.training.checking import Upload
from t5gemma_app.training.data.reading import SUPERGLUE
from t5gemma_app.training.data.rows import Columns
from t5gemma_app.training.jobs import TrainOrder, check_name, is_hub
from t5gemma_app.training.plan import Plan

FILE, KNOWN, HUB = "A file", "A known set", "The Hub"
SOURCES = (FILE, KNOWN, HUB)
TASKS = {"Labels": "classify", "Tags": "tag", "Answers": "chat"}
"""What is taught, as people choose it, and the task that does it."""
NONE = "none"
SHARE = 0.1
"""What is held out where there is nothing to be judged by."""
MESSAGES = "messages"
USUAL: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "classify": (
        ("text", "sentence", "review", "content", "question", "premise"),
        ("label", "labels", "class", "category", "sentiment", "target", "coarse"),
    ),
    "tag": (("tokens", "words"), ("tags", "upos", "ner_tags", "labels")),
    "chat": (("prompt", "instruction", "question", "input", MESSAGES), ("response", "answer", "output", "completion")),
}
"""Names that the two columns of a task have in most files."""
HEADINGS = {
    "classify": ("Column with the text", "Column with the label"),
    "tag": ("Column with the words", "Column with the tags"),
    "chat": ("Column with the prompt", "Column with the answer"),
}


@dataclass(frozen=True, slots=True)
class TrainWish:
    """The values of the controls, in their order."""

    checkpoint: Any
    teach: Any
    name: Any
    source: Any
    train: Any
    evaluation: Any
    known: Any
    hub: Any
    hub_evaluation: Any
    first: Any
    second: Any
    pair: Any
    epochs: Any
    batch_rows: Any
    rate: Any
    dropout: Any
    seed: Any
    steps: Any
    longest: Any
    warm_up: Any
    weight_decay: Any
    smoothing: Any
    word_dropout: Any
    evaluate_every: Any
    patience: Any
    schedule: Any
    optimiser: Any
    matrix_rate: Any
    lora_rank: Any
    share: Any
    limit: Any
    licence: Any
    cpu: Any

    @property
    def task(self) -> str:
        """What is taught: the task that was chosen, or a set's own.

        Raises:
            InputError: There is no such choice.
        """
        if self.source == KNOWN and _word(self.known).startswith(SUPERGLUE):
            return _word(self.known)
        if not isinstance(self.teach, str) or self.teach not in TASKS:
            raise InputError(f"What to teach is {str(self.teach)[:80]!r}.", expected=f"It is {', '.join(TASKS)}.")
        return TASKS[self.teach]

    @property
    def rows(self) -> str:
        """The set or table that was chosen; empty for files.

        Raises:
            InputError: Something else than a table of the Hub is named as one.
        """
        return self._rows(self.known, self.hub)

    def order(self) -> TrainOrder:
        """Return the order; whether rows and checkpoint fit is the desk's to say.

        Raises:
            InputError: A value is of the wrong kind.
        """
        return TrainOrder(
            name=_word(self.name),
            checkpoint=_word(self.checkpoint),
            task=self.task,
            rows="" if self.task.startswith(SUPERGLUE) else self.rows,
            evaluation_rows=self._rows("", self.hub_evaluation),
            columns=self.columns(),
            plan=self.plan(),
            share=_number("share held out", self.share, SHARE),
            limit=_whole("rows at most", self.limit),
            licence=_word(self.licence) or "not stated",
            cpu=bool(self.cpu),
        )

    def named(self) -> TrainWish:
        """Return self where the new checkpoint has a name that can be used.

        Raises:
            InputError: It has none.
        """
        check_name(_word(self.name))
        return self

    def columns(self) -> Columns:
        """Return which columns hold what; those that are not chosen keep their usual names."""
        first, second, pair = _word(self.first), _word(self.second), _word(self.pair)
        usual = Columns()
        if self.task == "classify":
            return Columns(
                text=first or usual.text, label=second or usual.label, pair=None if pair in ("", NONE) else pair
            )
        if self.task == "tag":
            return Columns(tokens=first or usual.tokens, tags=second or None)
        if self.task == "chat" and first != MESSAGES:
            return Columns(prompt=first or usual.prompt, response=second or usual.response)
        return usual

    def plan(self) -> Plan:
        """Return how it is trained.

        Raises:
            InputError: A number is none, or out of range.
        """
        whole = ("batch_rows", "seed", "longest", "patience", "lora_rank")
        real = ("epochs", "rate", "matrix_rate", "dropout", "warm_up", "weight_decay", "smoothing", "word_dropout")
        usual = Plan()
        values: dict[str, Any] = {
            name: _number(_spoken(name), getattr(self, name), getattr(usual, name)) for name in real
        }
        for name in whole:
            found = _whole(_spoken(name), getattr(self, name), zero=True)
            values[name] = getattr(usual, name) if found is None else found
        for name in ("steps", "evaluate_every"):
            values[name] = _whole(_spoken(name), getattr(self, name))
        for name in ("schedule", "optimiser"):
            values[name] = _word(getattr(self, name)) or getattr(usual, name)
        return Plan(**values).checked()

    def uploads(self) -> tuple[Upload | None, Upload | None]:
        """Return the files that were brought.

        Raises:
            InputError: A file is not there any more.
        """
        if self.source != FILE:
            return None, None
        return _upload(self.train), _upload(self.evaluation)

    def _rows(self, known: Any, hub: Any) -> str:
        if self.source == KNOWN:
            name = _word(known)
            if is_hub(name):
                raise InputError(f"There is no set of rows {name[:80]!r}.")
            return name
        if self.source != HUB or not _word(hub):
            return ""
        place = _word(hub)
        return place if is_hub(place) else f"hub:{place}"


CONTROLS = tuple(field.name for field in fields(TrainWish))
"""The names of the controls in their order."""


def usual_columns(task: str, columns: Sequence[str]) -> tuple[str | None, str | None]:
    """Return the two columns that a file most likely means."""
    found: list[str | None] = []
    for names in USUAL.get(task, ((), ())):
        lowered = {column.lower(): column for column in reversed(columns)}
        free = (lowered[name] for name in names if name in lowered and lowered[name] not in found)
        found.append(next(free, None))
    return found[0], found[1]


def _upload(path: Any) -> Upload | None:
    if not path:
        return None
    found = Path(str(path))
    if not found.is_file():
        raise InputError("The file is not here any more.", remedy="Choose it again.")
    return Upload(found, found.name)


def _word(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _number(name: str, value: Any, usual: float) -> float:
    if value in (None, ""):
        return usual
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"The {name} is {str(value)[:40]!r}.", expected="It is a number.")
    return float(value)


def _whole(name: str, value: Any, *, zero: bool = False) -> int | None:
    """Return a whole number; None for nothing, and for 0 unless that says something."""
    if value in (None, "") or (value == 0 and not zero):
        return None
    number = _number(name, value, 0)
    if not number.is_integer():
        raise InputError(f"The {name} is {number:g}.", expected="It is a whole number.")
    return int(number)
