"""Suites: YAML files that name what is measured, data only; and the examples that they ask for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from t5gemma_app.benchmarks.catalogue import BENCHMARKS, benchmark_named, formatter_named
from t5gemma_app.benchmarks.formatter import Formatter
from t5gemma_app.benchmarks.hub import hub_rows
from t5gemma_app.benchmarks.own import SPLIT, OwnData, own_benchmark, own_formatter, own_rows
from t5gemma_app.benchmarks.records import Benchmark, Example
from t5gemma_app.benchmarks.rows import DataSource, read_rows
from t5gemma_app.benchmarks.splits import split_note
from t5gemma_app.errors import InputError, did_you_mean

MAX_SUITE_BYTES = 1_000_000
Model = TypeVar("Model", bound=BaseModel)


class Entry(BaseModel):
    """One of the catalogue's benchmarks in a suite."""

    model_config = ConfigDict(extra="forbid")

    name: str
    formatter: str = "harness@1"
    split: Literal["train", "val"] = "val"
    limit: int | None = Field(default=None, ge=1)
    """Rows to take from the start of the file; None takes all."""


class SuiteFile(BaseModel):
    """The keys of a suite file."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    version: int = Field(ge=1)
    about: str
    partial: bool = False
    data: str | None = None
    """A folder with official files beside the suite, for rows that come with it."""
    benchmarks: list[dict[str, Any]] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Suite:
    """A checked suite."""

    name: str
    version: int
    about: str
    partial: bool
    """Whether it measures less than its benchmarks hold; such results are never ranked with full ones."""
    path: Path
    data: Path | None
    entries: tuple[Entry | OwnData, ...]

    @property
    def needs_rows(self) -> bool:
        """Whether official rows must be had from a folder or the Hub, because none come with the suite."""
        return self.data is None and any(isinstance(entry, Entry) for entry in self.entries)


@dataclass(frozen=True, slots=True)
class BenchmarkPlan:
    """One benchmark as a run measures it."""

    benchmark: Benchmark
    formatter: Formatter
    split: str
    limit: int | None
    partial: bool


class Planned(NamedTuple):
    """A benchmark's plan, its examples, and where their rows came from."""

    plan: BenchmarkPlan
    examples: list[Example]
    source: DataSource


def load_suite(path: Path) -> Suite:
    """Return a suite from its file.

    Raises:
        InputError: The file is missing, too big, no YAML, or a key is wrong; the message names file and key.
    """
    content = _yaml(path)
    file = _validated(SuiteFile, content, path, "")
    entries = tuple(_entry(path, number, values) for number, values in enumerate(file.benchmarks))
    names = [entry.name for entry in entries]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise InputError(
                f"{path}, benchmarks.{number}.name: {name} is there twice.",
                remedy="Measure a benchmark in two ways with two suites.",
            )
    return Suite(
        name=file.name,
        version=file.version,
        about=file.about,
        partial=file.partial or any(entry.limit is not None for entry in entries),
        path=path,
        data=_beside(path, file.data, "data") if file.data is not None else None,
        entries=entries,
    )


def suite_examples(
    suite: Suite, data_dir: Path | None = None, limit: int | None = None, formatter: str | None = None
) -> Iterator[Planned]:
    """Yield the plan, the examples and the source of each of a suite's benchmarks, reading one at a time.

    Args:
        suite: What to measure.
        data_dir: A folder with official files; takes precedence over the suite's own. Without either, rows come from
            the Hub. Own data always comes from its file.
        limit: The most rows to take of each benchmark, after flattening, in file order.
        formatter: A short name such as `t5@1` that replaces the suite's choice for every catalogued benchmark.

    Raises:
        InputError: A formatter does not exist or rows can't be had.
    """
    plans = [_plan(suite, entry, limit, formatter) for entry in suite.entries]
    for entry, plan in zip(suite.entries, plans, strict=True):
        if isinstance(entry, OwnData):
            rows, source = own_rows(entry, _beside(suite.path, entry.file, "file"), plan.limit)
        elif folder := data_dir or suite.data:
            rows, source = read_rows(entry.name, folder, entry.split, plan.limit)
            if data_dir:
                source = replace(source, note=split_note(entry.name, entry.split, len(rows), plan.limit))
        else:
            rows, source = hub_rows(entry.name, entry.split, plan.limit)
        examples = [example for row in rows for example in plan.formatter.function(row)]
        _require_distinct(examples, source)
        yield Planned(plan, examples, source)


def prompt_hash(examples: Iterable[Example]) -> str:
    """Return a hash of everything in examples that a model or a score depends on, in their order."""
    hashed = hashlib.sha256()
    for example in examples:
        shown = (example.id, example.method, example.context, example.pair, example.choices, example.gold)
        hashed.update(json.dumps(shown, ensure_ascii=True).encode("ascii") + b"\n")
    return hashed.hexdigest()


def _plan(suite: Suite, entry: Entry | OwnData, limit: int | None, formatter: str | None) -> BenchmarkPlan:
    limits = [value for value in (entry.limit, limit) if value is not None]
    if isinstance(entry, OwnData):
        benchmark, chosen, split = own_benchmark(entry), own_formatter(entry), SPLIT
    else:
        benchmark, split = benchmark_named(entry.name), entry.split
        chosen = formatter_named(formatter or entry.formatter, entry.name)
    return BenchmarkPlan(
        benchmark=benchmark,
        formatter=chosen,
        split=split,
        limit=min(limits, default=None),
        partial=suite.partial or limit is not None,
    )


def _require_distinct(examples: list[Example], source: DataSource) -> None:
    seen = set()
    for example in examples:
        if example.id in seen:
            raise InputError(
                f"{source.location} has two rows with the number {example.id}.",
                expected="Every row's idx is there once.",
            )
        seen.add(example.id)


def _entry(path: Path, number: int, values: dict[str, Any]) -> Entry | OwnData:
    key = f"benchmarks.{number}"
    if "file" in values:
        own = _validated(OwnData, values, path, key)
        if own.name in {benchmark.name for benchmark in BENCHMARKS}:
            raise InputError(
                f"{path}, {key}.name: {own.name} is one of SuperGLUE's tasks.",
                remedy="Give your data a name of its own, so that its results are not taken for the task's.",
            )
        _beside(path, own.file, f"{key}.file")
        return own
    entry = _validated(Entry, values, path, key)
    with _key_named(path, f"{key}.name"):
        benchmark_named(entry.name)
    with _key_named(path, f"{key}.formatter"):
        formatter_named(entry.formatter, entry.name)
    return entry


@contextmanager
def _key_named(path: Path, key: str) -> Iterator[None]:
    """Say in which file and at which key a value was found wrong."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}, {key}: {error.what}", expected=error.expected, remedy=error.remedy) from error


def _beside(path: Path, name: str, key: str) -> Path:
    """Return a file or folder beside the suite; a suite that somebody hands over must not read elsewhere."""
    folder = path.parent.resolve()
    found = (folder / name).resolve()
    if not found.is_relative_to(folder):
        raise InputError(f"{path}, {key}: {name!r} lies outside {path.parent}.", remedy="Put it beside the suite file.")
    return found


def _yaml(path: Path) -> Any:
    if not path.is_file():
        near = sorted(entry.name for entry in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        raise InputError(f"There is no suite {path}.", remedy=did_you_mean(path.name, near))
    if path.stat().st_size > MAX_SUITE_BYTES:
        raise InputError(f"{path} has more than {MAX_SUITE_BYTES:,} bytes.", expected="A suite is a page of YAML.")
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path} is no YAML: {error}.", remedy="See eval_suites/smoke.yaml for the form.") from error


def _validated(model: type[Model], values: Any, path: Path, prefix: str) -> Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in ((prefix,) if prefix else ()) + fault["loc"]) or "the file"
        if fault["type"] == "extra_forbidden":
            known = _keys(model, fault["loc"])
            raise InputError(
                f"{path}, {key}: there is no such key.",
                expected=f"The keys here are {', '.join(known)}.",
                remedy=did_you_mean(str(fault["loc"][-1]), known),
            ) from error
        message = "the key is missing" if fault["type"] == "missing" else fault["msg"].removeprefix("Value error, ")
        raise InputError(f"{path}, {key}: {message}.", expected="See eval_suites/smoke.yaml for the form.") from error


def _keys(model: type[BaseModel], place: tuple[int | str, ...]) -> list[str]:
    """Return the keys that a model takes where a fault lies, one level down at most."""
    inner = model.model_fields[str(place[0])].annotation if len(place) > 1 else model
    return list(inner.model_fields) if isinstance(inner, type) and issubclass(inner, BaseModel) else []
