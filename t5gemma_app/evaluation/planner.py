"""From what a person asks for to a plan: suite, rows, checkpoint and placement looked up, and the identity computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from t5gemma_app.benchmarks.rows import DataSource
from t5gemma_app.benchmarks.suites import Planned, Suite, load_suite, prompt_hash, suite_examples
from t5gemma_app.checkpoints.catalogue import Catalogue
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.types import Engine
from t5gemma_app.errors import InputError, RunFailedError, WorkbenchError, did_you_mean
from t5gemma_app.evaluation.batches import Todo
from t5gemma_app.evaluation.estimate import Outline
from t5gemma_app.evaluation.heads import find_heads, wanted
from t5gemma_app.evaluation.identity import location_of, pinned
from t5gemma_app.evaluation.plan import Part, Plan
from t5gemma_app.evaluation.records import BenchmarkSpec, HeadSpec, Run, RunOrder, RunSpec, RunState
from t5gemma_app.evaluation.runs import Runs
from t5gemma_app.settings import Settings

SUITES = Path(__file__).resolve().parents[2] / "eval_suites"
"""Where the suites that come with the app lie."""
LONGEST_NOTE = 80
"""Characters of a note on a split."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan whose run is not stored yet."""

    spec: RunSpec
    order: RunOrder
    checkpoint: Checkpoint
    parts: tuple[Part, ...]

    def stored(self, runs: Runs, state: RunState = RunState.QUEUED) -> Plan:
        """Return the plan with its run, which is stored in this state unless it is there already."""
        totals = {part.spec.name: len(part.examples) for part in self.parts}
        return Plan(runs.add(self.spec, self.order, totals, state), self.checkpoint, self.parts)


class Planner:
    """Makes plans.

    Args:
        catalogue: The checkpoints.
        engine: Says where a checkpoint would run.
        settings: The app's settings.
        suites: The folder of suites that are known by name.
    """

    def __init__(self, catalogue: Catalogue, engine: Engine, settings: Settings, suites: Path = SUITES) -> None:
        self._catalogue = catalogue
        self._engine = engine
        self._settings = settings
        self._suites = suites

    def suites(self) -> tuple[Suite, ...]:
        """Return the suites that are known by name, in the order of their names; broken ones are left out."""
        found = []
        for path in sorted(self._suites.glob("*.yaml")):
            try:
                found.append(load_suite(path))
            except InputError:
                continue  # its name says what is wrong when somebody asks for it
        return tuple(found)

    def draft(self, order: RunOrder, *, listed: bool = False) -> Draft:
        """Look up everything that an order names.

        Args:
            order: What to run.
            listed: Take only checkpoints of the catalogue and suites known by name, as for strangers' input.

        Raises:
            InputError: The suite, the data or the formatter don't fit the checkpoint.
            CheckpointError: The checkpoint can't be had.
            PlacementError: No device takes it.
        """
        find: Callable[[str], Checkpoint] = self._catalogue.find if listed else self._catalogue.resolve
        path = self.suite_path(order.suite, listed=listed)
        whole = load_suite(path)
        suite = with_tasks(whole, order.tasks)
        checkpoint = find(order.checkpoint)
        order = self._with_data(order, suite)
        planned = _planned(suite, order)
        order = replace(order, tasks=() if suite is whole else order.tasks, splits=_splits(order, planned))
        heads = self._heads(checkpoint, suite, planned)
        checkpoint = pinned(checkpoint, self._settings)
        parts = tuple(_part(one, head or checkpoint) for one, head in zip(planned, heads, strict=True))
        return self._draft(suite, path, order, checkpoint, parts)

    def head_problem(self, name: str, suite: Suite, tasks: Sequence[str]) -> str:
        """Return why a listed checkpoint has no heads for a suite's tasks, or nothing where it has; reads no rows."""
        try:
            entries = with_tasks(suite, tasks).entries
            find_heads(self._catalogue.find(name), [wanted(entry) for entry in entries], self._catalogue.all())
        except WorkbenchError as error:
            return error.what
        return ""

    def outlines(self, order: RunOrder) -> tuple[Outline, ...]:
        """Return what a suite known by name asks of any checkpoint; the rows are read.

        Raises:
            InputError: There is no such suite, benchmark or formatter, or the rows can't be had.
        """
        suite = with_tasks(load_suite(self.suite_path(order.suite, listed=True)), order.tasks)
        return tuple(map(_outline, _planned(suite, self._with_data(order, suite))))

    def again(self, run: Run) -> Plan:
        """Return the plan of a run that was stored earlier.

        Raises:
            RunFailedError: What it depends on has changed since.
            WorkbenchError: Something it needs is gone.
        """
        checkpoint = self._catalogue.resolve(run.order.checkpoint)
        if checkpoint.source == "hub":
            checkpoint = replace(checkpoint, revision=run.spec.revision)
        others = (other for other in self._catalogue.all() if other.name != run.spec.checkpoint)
        pinned_catalogue = Catalogue((replace(checkpoint, name=run.spec.checkpoint), *others))
        order = replace(run.order, checkpoint=run.spec.checkpoint)
        draft = Planner(pinned_catalogue, self._engine, self._settings, self._suites).draft(order)
        if draft.spec != run.spec:
            raise RunFailedError(
                f"{_changed(draft.spec, run.spec)} since this run was started, so it can't be continued.",
                remedy="Start a new run; this one keeps its samples.",
            )
        return Plan(run, draft.checkpoint, draft.parts)

    def suite_path(self, name_or_path: str, *, listed: bool = False) -> Path:
        """Return the file of a suite.

        Args:
            name_or_path: A name such as `smoke`, or unless `listed` a path.
            listed: Take names only.

        Raises:
            InputError: There is no such suite.
        """
        known = {path.stem: path for path in self._suites.glob("*.yaml")}
        if name_or_path in known:
            return known[name_or_path]
        path = Path(name_or_path).expanduser()
        if not listed and path.is_file():
            return path.resolve()
        raise InputError(
            f"There is no suite {name_or_path[:200]!r}.",
            expected=f"The suites are {', '.join(sorted(known)) or 'missing from the installation'}"
            + ("." if listed else ", or the path of a YAML file."),
            remedy=did_you_mean(path.stem, known),
        )

    def _with_data(self, order: RunOrder, suite: Suite) -> RunOrder:
        """Return the order with the owner's folder of official files where it names none and the suite needs one."""
        folder = self._settings.superglue_dir
        return replace(order, data_dir=str(folder)) if folder and suite.needs_rows and not order.data_dir else order

    def _heads(self, checkpoint: Checkpoint, suite: Suite, planned: list[Planned]) -> list[Checkpoint | None]:
        """Return the head that answers each benchmark, None where the checkpoint itself answers."""
        asked = [one.plan.formatter.method == "head" for one in planned]
        for one, by_head in zip(planned, asked, strict=True):
            if not by_head and checkpoint.head != "none":
                raise InputError(
                    f"{checkpoint.name} has a classification head and writes no text.",
                    expected=f"{one.plan.formatter.name} needs a checkpoint that does.",
                    remedy="A head is measured with the formatter head@1." if checkpoint.head == "sequence" else "",
                )
        needs = [wanted(entry) for entry, by_head in zip(suite.entries, asked, strict=True) if by_head]
        found = iter(find_heads(checkpoint, needs, self._catalogue.all()) if needs else ())
        return [pinned(next(found), self._settings) if by_head else None for by_head in asked]

    def _draft(
        self, suite: Suite, path: Path, order: RunOrder, checkpoint: Checkpoint, parts: tuple[Part, ...]
    ) -> Draft:
        placements = [self._engine.place(part.checkpoint) for part in parts]
        spec = RunSpec(
            suite=suite.name,
            suite_version=str(suite.version),
            benchmarks=tuple(part.spec for part in parts),
            checkpoint=checkpoint.name,
            location=location_of(checkpoint),
            revision=checkpoint.revision or "",
            dtype="+".join(sorted({placement.dtype for placement in placements})),
            attention="+".join(sorted({placement.attention for placement in placements})),
            limit=order.limit,
            partial=suite.partial or order.limit is not None,
        )
        known = path.parent == self._suites
        kept = replace(
            order,
            suite=path.stem if known else str(path),
            checkpoint=self._findable(checkpoint),
            data_dir=str(Path(order.data_dir).expanduser().resolve()) if order.data_dir else "",
        )
        return Draft(spec, kept, checkpoint, parts)

    def _findable(self, checkpoint: Checkpoint) -> str:
        """Return by what a checkpoint is found again, whatever folder the next process starts in."""
        if checkpoint.name in self._catalogue.names():
            return checkpoint.name
        return checkpoint.location if checkpoint.source == "hub" else str(Path(checkpoint.location).resolve())


def with_tasks(suite: Suite, tasks: Sequence[str]) -> Suite:
    """Return a suite cut to some of its benchmarks, which makes it partial; all of them, or none named, cut nothing.

    Raises:
        InputError: It has no such benchmark.
    """
    names = [entry.name for entry in suite.entries]
    for task in tasks:
        if task not in names:
            raise InputError(
                f"{suite.name} has no benchmark {task[:80]!r}.",
                expected=f"It has {', '.join(names)}.",
                remedy=did_you_mean(task, names),
            )
    if not tasks or set(tasks) == set(names):
        return suite
    return replace(suite, partial=True, entries=tuple(entry for entry in suite.entries if entry.name in tasks))


def _planned(suite: Suite, order: RunOrder) -> list[Planned]:
    data_dir = Path(order.data_dir) if order.data_dir else None
    return list(suite_examples(suite, data_dir, order.limit, order.formatter or None))


def _outline(one: Planned) -> Outline:
    tokens = sum(Todo(0, example).cost for example in one.examples)
    return Outline(one.plan.benchmark.name, one.plan.formatter.name, _data(one.source), len(one.examples), tokens)


def _part(one: Planned, checkpoint: Checkpoint) -> Part:
    head = None
    if one.plan.formatter.method == "head":
        head = HeadSpec(checkpoint.name, location_of(checkpoint), checkpoint.revision or "", checkpoint.longest)
    spec = BenchmarkSpec(
        name=one.plan.benchmark.name,
        formatter=one.plan.formatter.name,
        method=one.plan.formatter.method,
        prompt_hash=prompt_hash(one.examples),
        data=_data(one.source),
        split=one.plan.split,
        limit=one.plan.limit,
        head=head,
    )
    return Part(spec, one.plan.benchmark, one.plan.formatter, tuple(one.examples), checkpoint)


def _splits(order: RunOrder, planned: Sequence[Planned]) -> tuple[tuple[str, str], ...]:
    """Return what is known of rows that are not the official ones; what the person says takes precedence.

    Raises:
        InputError: The person speaks of a benchmark that is not measured, or says too much.
    """
    said = dict(order.splits)
    names = [one.plan.benchmark.name for one in planned]
    for name, words in said.items():
        if name not in names:
            raise InputError(
                f"A split note is for {name[:80]!r}, which is not measured.",
                expected=f"Notes are for {', '.join(names)}.",
                remedy=did_you_mean(name, names),
            )
        if not words.isprintable() or len(words) > LONGEST_NOTE:
            raise InputError(
                f"The split note for {name} can't be shown.", expected=f"A line of up to {LONGEST_NOTE} characters."
            )
    found = {one.plan.benchmark.name: one.source.note for one in planned} | said
    return tuple((name, words) for name, words in found.items() if words)


def _data(source: DataSource) -> str:
    """Return what rows are known by: a revision on the Hub, a digest elsewhere; where a file lies says nothing."""
    if source.kind == "hub":
        return f"{source.location}@{source.revision_or_hash}"
    return f"sha256:{source.revision_or_hash}"


def _changed(now: RunSpec, then: RunSpec) -> str:
    """Return in words what differs between two specs."""
    new, old = asdict(now), asdict(then)
    names = [name for name in new if new[name] != old[name]]
    if names == ["benchmarks"]:
        if [replace(one, head=None) for one in now.benchmarks] == [replace(one, head=None) for one in then.benchmarks]:
            return "The heads have changed"
        return "The benchmarks' rows or prompts have changed"
    return f"{', '.join(names)} changed ({', '.join(f'{old[n]!s:.40} to {new[n]!s:.40}' for n in names[:3])})"
