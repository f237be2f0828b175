"""Bad texts, labels and files for classification; rows of the page that `tests.bad_inputs` writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors.torch import load_file, save_file

from t5gemma_app.checkpoints.folder import read_folder
from t5gemma_app.tasks.classification import ClassifyOptions
from t5gemma_app.tasks.classify_rows import classify_rows
from t5gemma_app.tasks.files.output import safe_cell
from t5gemma_app.tasks.files.table import check_columns, open_table, read_rows
from t5gemma_app.tasks.files.work import RowInput
from tests.tiny import save_tiny, tiny_head

if TYPE_CHECKING:
    from tests.bad_inputs import Bench

Attempt = Callable[["Bench"], str]
WHERE = "classify"
FILE = "file"


def _labels(labels: str, **wishes: object) -> Attempt:
    options = ClassifyOptions(labels=labels, **wishes)  # type: ignore[arg-type]
    return lambda b: b.refused(lambda: b.services.classification.classifier(b.tiny, options))


def _table(name: str, content: bytes | str, most_rows: int = 100_000, delimiter: str = "") -> Attempt:
    def attempt(b: Bench) -> str:
        path = _written(b.folder / name, content)

        def start() -> None:
            check_columns(open_table(path, most_rows=most_rows, delimiter=delimiter), ["text"])

        return b.refused(start)

    return attempt


def _written(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def _huge_cell(b: Bench) -> str:
    table = open_table(_written(b.folder / "huge.csv", "text\nshort\n" + "x" * 10_000_000 + "\nshort\n"))
    work = classify_rows(b.services.classification, b.tiny, ClassifyOptions(labels="a, b"))
    rows = [RowInput(number, (row["text"],)) for number, row in enumerate(read_rows(table))]
    found = work.results(rows)
    b.services.engine.unload(b.tiny.name)
    b.answer("loaded again")
    assert [bool(result.error) for result in found] == [False, True, False]
    return f"(the other rows are labelled) {found[1].error}"


def _formula(b: Bench) -> str:
    assert safe_cell('=HYPERLINK("http://x")') == '\'=HYPERLINK("http://x")'
    return "(labelled; in csv a quote stands before it, jsonl and parquet keep it as it is)"


def _headless(b: Bench) -> str:
    folder = save_tiny(b.folder / "headless", tiny_head())
    weights = folder / "model.safetensors"
    kept = {name: tensor for name, tensor in load_file(weights).items() if not name.startswith("score.")}
    save_file(kept, weights, metadata={"format": "pt"})
    return b.refused(lambda: b.services.classification.classifier(read_folder(folder), ClassifyOptions()))


def _nameless(b: Bench) -> str:
    folder = save_tiny(b.folder / "nameless", tiny_head(labels=("LABEL_0", "LABEL_1"), id2label=None))
    classifier = b.services.classification.classifier(read_folder(folder), ClassifyOptions())
    assert classifier.labels == ("LABEL_0", "LABEL_1")
    return f"(labelled with a note) {classifier.notes[0]}"


ATTEMPTS: tuple[tuple[str, str, Attempt], ...] = (
    ("no labels", WHERE, _labels("")),
    ("an empty label", WHERE, _labels("good,,bad")),
    ("the same label twice", WHERE, _labels("good, bad, Good")),
    ("1,000 labels", WHERE, _labels(",".join(map(str, range(1000))))),
    ("a wording without {label}", WHERE, _labels("good, bad", wording="What is this? {text}")),
    ("a head without trained weights", WHERE, _headless),
    ("a head without names for its labels", WHERE, _nameless),
    ("an empty file", FILE, _table("empty.csv", "")),
    ("a header and nothing else", FILE, _table("none.csv", "text,id\n")),
    ("no header", FILE, _table("headless.csv", "1,2.5,3\nI liked it,4,5\n")),
    ("a first line that is a text", FILE, _table("first.csv", "I liked it\nI did not\n")),
    ("two columns of one name", FILE, _table("twice.csv", "text,text\na,b\n")),
    ("a column that is not there", FILE, _table("columns.csv", "id,texts\n1,a\n")),
    ("commas in texts without quotes", FILE, _table("commas.csv", "text\nGood, but late\n")),
    ("another delimiter than the file's", FILE, _table("semicolons.csv", "id;text\n1;a\n", delimiter=",")),
    ("a quote that is never closed", FILE, _table("quote.csv", 'text\n"Good\nBad\n')),
    ("an Excel workbook called csv", FILE, _table("book.csv", b"PK\x03\x04 and so on")),
    ("binary called csv", FILE, _table("binary.csv", bytes(range(256)))),
    ("Latin-1 text", FILE, _table("latin.csv", "text\ncaf\xe9\n".encode("latin-1"))),
    ("a JSON list called jsonl", FILE, _table("list.jsonl", '[{"text": "a"},\n {"text": "b"}]')),
    ("a cell of 10 MB", FILE, _huge_cell),
    ("a formula in a cell", FILE, _formula),
    ("100,001 rows", FILE, _table("many.csv", "text\n" + "x\n" * 100_001)),
)
