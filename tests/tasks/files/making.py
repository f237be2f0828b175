"""Work and files for tests of the file machinery."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from t5gemma_app.tasks.files.work import Field, RowInput, RowResult, text_of


class Shouting:
    """Writes each text in capitals, slowly on demand; counts what it did."""

    fields = (Field("loud"), Field("length", "number"), Field("letters", "json"))

    def __init__(self, delay: float = 0.0) -> None:
        self.delay = delay
        self.numbers: list[int] = []

    def prepare(self) -> Iterator[str]:
        yield "clearing the throat"

    def results(self, rows: Sequence[RowInput]) -> list[RowResult]:
        return [self._result(row) for row in rows]

    def _result(self, row: RowInput) -> RowResult:
        time.sleep(self.delay)
        self.numbers.append(row.number)
        try:
            text = " ".join(text_of(value) for value in row.values)
        except ValueError as error:
            return RowResult(error=str(error))
        values = {"loud": text.upper(), "length": float(len(text)), "letters": sorted(set(text))}
        return RowResult(values, ("long" if len(text) > 6 else "short",))


def csv_file(folder: Path, rows: int = 100, name: str = "in.csv") -> Path:
    """Write a file of texts, every tenth of them empty."""
    path = folder / name
    lines = [f'{n},"text, number {n}"' if n % 10 else f"{n}," for n in range(rows)]
    path.write_text("id,text\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path
