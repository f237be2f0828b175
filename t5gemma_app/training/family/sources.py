"""The data sets of a local folder that the family learns from, each with the licence that its cards name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from t5gemma_app.benchmarks.catalogue import benchmark_named
from t5gemma_app.benchmarks.rows import file_hash
from t5gemma_app.checkpoints.card import DataUse
from t5gemma_app.errors import InputError

Part = Literal["training", "evaluation"]

EWT, WNUT = "tagging/UD_English-EWT", "tagging/wnut17"
SST2, TREC = "classification/sst2", "classification/trec"
QUESTIONS = "chat/webquestions-train.jsonl"


@dataclass(frozen=True, slots=True)
class Source:
    """A file, or a folder of files, that people know by a name."""

    path: str
    """Its place in the data folder."""
    name: str
    licence: str


_WORDNET = ("English WordNet (globalwordnet/english-wordnet)", "CC BY 4.0 and the WordNet licence")

SOURCES: tuple[Source, ...] = (
    Source(
        "text/fairytales.txt",
        "FairytaleQA, stories of its train part (uci-soe/FairytaleQAData)",
        "Apache-2.0; stories public domain",
    ),
    Source(
        "text/african-storybook.txt",
        "African Storybook (global-asp/asp-source); authors and sources: african-storybook-credits.tsv",
        "CC BY 3.0 or 4.0 by story",
    ),
    Source("text/wordnet-examples.txt", f"example sentences of {_WORDNET[0]}", _WORDNET[1]),
    Source(
        "text/sotu-1900-on.txt",
        "State of the Union addresses from 1900 on (stdlib-js/datasets-sotu)",
        "CC0 (US government works)",
    ),
    Source("chat/chatterbot.jsonl", "six files of gunthercox/chatterbot-corpus", "BSD-3-Clause"),
    Source("chat/personality-friend.jsonl", "Microsoft BotBuilder-PersonalityChat, the friend (small talk)", "MIT"),
    Source("chat/facts-cc0.jsonl", "facts of dariusk/corpora as questions", "CC0"),
    Source("chat/self-instruct-seeds.jsonl", "seed tasks of yizhongw/self-instruct", "Apache-2.0"),
    Source("chat/wordnet-definitions.jsonl", f"definitions of {_WORDNET[0]}", _WORDNET[1]),
    Source("chat/wordnet-opposites.jsonl", f"opposites of {_WORDNET[0]}", _WORDNET[1]),
    Source("chat/wordnet-kinds.jsonl", f"kinds of {_WORDNET[0]}", _WORDNET[1]),
    Source(
        QUESTIONS,
        "WebQuestions, factoid cut (brmson/dataset-factoid-webquestions): short prompts alone, as questions to decline",
        "CC BY 4.0",
    ),
    Source(EWT, "UD English EWT", "CC BY-SA 4.0"),
    Source(WNUT, "WNUT 2017 emerging entities", "CC BY 4.0"),
    Source(SST2, "SST-2, whole sentences", "none stated by the source"),
    Source(TREC, "TREC question types", "none stated by the source"),
)

OFFICIAL: dict[str, tuple[str, int, int]] = {
    "boolq": ("BoolQ", 9427, 3270),
    "cb": ("CB", 250, 56),
    "copa": ("COPA", 400, 100),
    "multirc": ("MultiRC", 456, 83),
    "rte": ("RTE", 2490, 277),
    "wic": ("WiC", 5428, 638),
    "wsc": ("WSC", 554, 104),
}
"""SuperGLUE's folders, with the lines that the official train.jsonl and val.jsonl have."""


def source_of(path: str) -> Source:
    """Return the source that a place in the data folder belongs to."""
    return next(source for source in SOURCES if path == source.path or path.startswith(f"{source.path}/"))


def uses(data: Path, paths: Iterable[str], part: Part, purpose: str = "") -> tuple[DataUse, ...]:
    """Return what a card says of files in the data folder; `purpose` is written behind their names."""
    found = []
    for path in paths:
        source, file = source_of(path), data / path
        name = f"{source.name}{f', {purpose}' if purpose else ''}"
        found.append(DataUse(part=part, name=name, licence=source.licence, digest=file_hash(file), rows=_rows(file)))
    return tuple(found)


def superglue_uses(data: Path, task: str, parts: Sequence[Part], purpose: str = "") -> tuple[DataUse, ...]:
    """Return what a card says of a SuperGLUE task's files, and whether they are the official ones by their length."""
    folder, licence = OFFICIAL[task][0], benchmark_named(task).licence
    split = "" if is_official(data, task) else ", cut split"
    files = {"training": "train.jsonl", "evaluation": "val.jsonl"}
    found = []
    for part in parts:
        file = superglue_file(data, task, files[part])
        name = f"SuperGLUE {folder}{split}{f', {purpose}' if purpose else ''}"
        found.append(DataUse(part=part, name=name, licence=licence, digest=file_hash(file), rows=_rows(file)))
    return tuple(found)


def is_official(data: Path, task: str) -> bool:
    """Tell whether a task's files have as many lines as the official ones."""
    _, train, judged = OFFICIAL[task]
    return (_rows(superglue_file(data, task, "train.jsonl")), _rows(superglue_file(data, task, "val.jsonl"))) == (
        train,
        judged,
    )


def superglue_file(data: Path, task: str, name: str) -> Path:
    """Return the place of a task's file."""
    return data / "superglue" / OFFICIAL[task][0] / name


def require(data: Path, paths: Iterable[str]) -> None:
    """Refuse a data folder that lacks a file.

    Raises:
        InputError: It is no folder, or a file is missing; the message names the first one.
    """
    if not data.is_dir():
        raise InputError(f"There is no folder {data}.", expected="--data names a local folder with the data sets.")
    missing = [path for path in paths if not (data / path).is_file()]
    if missing:
        raise InputError(
            f"{data} lacks {missing[0]}{f' and {len(missing) - 1} other files' if len(missing) > 1 else ''}.",
            expected="It has the folders text, chat, classification, tagging and superglue.",
        )


def _rows(file: Path) -> int:
    if file.suffix != ".jsonl":
        return 0
    with file.open("rb") as lines:
        return sum(bool(line.strip()) for line in lines)
