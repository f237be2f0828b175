from dataclasses import replace
from pathlib import Path

import pytest

from t5gemma_app.checkpoints.catalogue import Catalogue
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.errors import InputError, RunFailedError
from t5gemma_app.evaluation.planner import Planner
from t5gemma_app.settings import Settings
from tests.evaluation.world import ROWS, SUITE, World, write_rows


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path)


def draft(world: World, **changes):
    return world.planner.draft(replace(world.order(), **changes))


def test_a_draft_says_everything_that_numbers_depend_on(world) -> None:
    spec = draft(world).spec
    assert (spec.suite, spec.suite_version, spec.checkpoint, spec.location) == ("three", "1", "tiny", "")
    assert spec.revision.startswith("sha256:")
    assert (spec.dtype, spec.attention, spec.partial, spec.limit) == ("float32", "sdpa", False, None)
    assert [(b.name, b.formatter, b.method, b.split) for b in spec.benchmarks] == [
        (name, f"{name}:harness@1", "rank", "val") for name in ("boolq", "cb", "multirc")
    ]
    assert len({b.prompt_hash for b in spec.benchmarks} | {b.data for b in spec.benchmarks}) == 6


def test_what_does_not_change_numbers_does_not_change_the_run(world, tmp_path) -> None:
    same = draft(world).spec.run_id
    assert draft(world, batch_tokens=64).spec.run_id == same
    write_rows(tmp_path / "copy of the rows")
    assert draft(world, data_dir=str(tmp_path / "copy of the rows")).spec.run_id == same
    path = tmp_path / "elsewhere" / "renamed.yaml"
    path.parent.mkdir()
    path.write_text(SUITE)
    assert draft(world, suite=str(path)).spec.run_id == same
    assert draft(world, checkpoint=str(world.folder / "tiny")).spec.run_id == same


def test_what_changes_numbers_makes_another_run(world, tmp_path) -> None:
    ids = [draft(world).spec.run_id]
    ids += [draft(world, checkpoint="other").spec.run_id, draft(world, limit=5).spec.run_id]
    ids.append(draft(world, formatter="t5@1").spec.run_id)
    write_rows(tmp_path / "fewer", rows=18)
    ids.append(draft(world, data_dir=str(tmp_path / "fewer")).spec.run_id)
    (world.folder / "tiny" / "tokenizer.json").write_text("other words")
    ids.append(draft(world).spec.run_id)
    assert len(set(ids)) == len(ids)


def test_a_limit_takes_rows_in_the_order_of_the_file_and_makes_a_run_partial(world) -> None:
    cut = draft(world, limit=5)
    whole = draft(world)
    assert cut.spec.partial
    for short, long in zip(cut.parts, whole.parts, strict=True):
        assert short.examples == long.examples[:5]
    assert [len(part.examples) for part in whole.parts] == [ROWS] * 3


def test_an_order_is_kept_so_that_it_can_be_run_from_anywhere(world, monkeypatch) -> None:
    monkeypatch.chdir(world.folder)
    order = draft(world, data_dir="rows", suite="suites/three.yaml").order
    assert order.suite == "three"
    assert Path(order.data_dir) == world.data.resolve()
    Path("own.yaml").write_text(SUITE)
    assert Path(draft(world, suite="own.yaml").order.suite) == world.folder.resolve() / "own.yaml"


def test_a_plan_is_made_again_or_says_what_changed(world) -> None:
    store = world.store()
    run = world.plan(store).run
    again = world.planner.again(run)
    assert (again.run, again.total) == (run, 3 * ROWS)
    (world.data / "CB" / "val.jsonl").write_text((world.data / "CB" / "val.jsonl").read_text().replace("stone", "sand"))
    with pytest.raises(RunFailedError, match="rows or prompts have changed"):
        world.planner.again(run)
    store.close()


class Folders(Catalogue):
    """Takes any name for a folder, as the catalogue does with real ones."""

    def resolve(self, name_or_folder: str) -> Checkpoint:
        return Checkpoint(Path(name_or_folder).name, "local", name_or_folder)


def test_a_folder_that_is_not_listed_is_found_again_from_anywhere(world, monkeypatch, tmp_path) -> None:
    planner = Planner(Folders(()), FakeEngine(), Settings(), world.suites)
    monkeypatch.chdir(world.folder)
    store = world.store()
    run = planner.draft(world.order("tiny")).stored(store.runs).run
    assert run.order.checkpoint == str((world.folder / "tiny").resolve())
    assert run.spec.checkpoint == "tiny"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert planner.again(run).run == run
    store.close()


@pytest.mark.parametrize(
    ("formatter", "head", "says"),
    [("head@1", "none", "has no head for boolq, cb, multirc"), ("", "sequence", "has a classification head")],
)
def test_a_formatter_that_the_checkpoint_can_not_serve_is_refused(world, formatter, head, says) -> None:
    checkpoint = Checkpoint("tiny", "local", str(world.folder / "tiny"), head=head)
    planner = Planner(Catalogue((checkpoint,)), FakeEngine(), Settings(), world.suites)
    with pytest.raises(InputError, match=says):
        planner.draft(replace(world.order(), formatter=formatter))


def test_suites_are_listed_and_broken_ones_are_named_only_when_asked_for(world) -> None:
    (world.suites / "broken.yaml").write_text("name: [")
    assert [suite.name for suite in world.planner.suites()] == ["three"]
    with pytest.raises(InputError, match=r"broken\.yaml"):
        draft(world, suite="broken")


def test_the_suites_that_ship_are_there() -> None:
    planner = Planner(Catalogue(()), FakeEngine(), Settings())
    assert "smoke" in [suite.name for suite in planner.suites()]


def test_some_of_a_suites_benchmarks_make_a_partial_run_that_goes_on_as_such(world) -> None:
    store = world.store()
    plan = world.planner.draft(replace(world.order(), tasks=("multirc", "cb"))).stored(store.runs)
    assert [part.spec.name for part in plan.parts] == ["cb", "multirc"]  # in the suite's order
    assert plan.run.spec.partial and plan.run.order.tasks == ("multirc", "cb")
    again = world.planner.again(store.runs.get(plan.run.id))
    assert [part.spec for part in again.parts] == [part.spec for part in plan.parts]
    store.close()


def test_rows_that_are_not_the_official_split_are_marked_and_a_persons_words_hold(world) -> None:
    store = world.store()
    plan = world.planner.draft(replace(world.order(), splits=(("cb", "my own rows"),))).stored(store.runs)
    assert plan.run.order.splits == (
        ("boolq", "cut split, 24 rows of 3,270"), ("cb", "my own rows"), ("multirc", "cut split, 24 rows of 4,848"),
    )  # fmt: skip
    assert plan.run.spec == draft(world).spec  # a note changes no number
    assert world.planner.again(store.runs.get(plan.run.id)).run.order == plan.run.order
    assert draft(world, limit=5).order.splits == ()
    for words, says in ((("rte", "x"), "'rte', which is not measured"), (("cb", "x\n"), "can't be shown")):
        with pytest.raises(InputError, match=says):
            draft(world, splits=(words,))
    store.close()


def test_all_benchmarks_named_are_the_whole_suite_and_unknown_ones_are_refused(world) -> None:
    assert draft(world, tasks=("multirc", "cb", "boolq")).spec == draft(world).spec
    with pytest.raises(InputError, match="Did you mean boolq"):
        draft(world, tasks=("bolq",))


def test_the_owners_folder_is_used_where_an_order_names_none(world) -> None:
    settings = Settings(superglue_dir=world.data)
    catalogue = Catalogue((Checkpoint("tiny", "local", str(world.folder / "tiny")),))
    planner = Planner(catalogue, FakeEngine(), settings, world.suites)
    found = planner.draft(replace(world.order(), data_dir=""))
    assert found.spec == draft(world).spec
    assert found.order.data_dir == str(world.data.resolve())
    outlines = planner.outlines(replace(world.order(), data_dir="", limit=5))
    assert [(one.name, one.examples) for one in outlines] == [("boolq", 5), ("cb", 5), ("multirc", 5)]
    assert all(one.tokens >= one.examples for one in outlines)
