from pathlib import Path

import pytest

from t5gemma_app.benchmarks.catalogue import BENCHMARKS
from t5gemma_app.benchmarks.overall import OFFICIAL
from t5gemma_app.benchmarks.records import Example
from t5gemma_app.benchmarks.splits import split_note
from t5gemma_app.benchmarks.suites import load_suite, prompt_hash, suite_examples
from t5gemma_app.errors import InputError
from tests.benchmarks.samples import GOLDEN, example

SUITES = Path(__file__).parents[2] / "eval_suites"
HEAD = "name: mine\nversion: 1\nabout: x\n"


def suite_file(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted(SUITES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_suite_loads_under_its_own_name(path: Path):
    suite = load_suite(path)
    assert suite.name == path.stem
    assert suite.partial == (suite.name in ("superglue-quick", "smoke"))


def test_there_is_a_suite_for_every_task_and_for_all():
    assert {benchmark.name for benchmark in BENCHMARKS} <= {path.stem for path in SUITES.glob("*.yaml")}
    for name in ("superglue", "superglue-quick", "smoke"):
        assert tuple(entry.name for entry in load_suite(SUITES / f"{name}.yaml").entries) == OFFICIAL
    quick = load_suite(SUITES / "superglue-quick.yaml")
    assert {entry.limit for entry in quick.entries} == {64}


@pytest.mark.parametrize("formatter", [None, "t5@1", "head@1"])
def test_the_smoke_suite_has_twelve_rows_a_task_without_a_network(formatter: str | None):
    planned = list(suite_examples(load_suite(SUITES / "smoke.yaml"), formatter=formatter))
    assert [plan.benchmark.name for plan, _, _ in planned] == list(OFFICIAL)
    for plan, examples, source in planned:
        assert plan.partial
        assert source.kind == "folder"
        assert (
            len(
                {
                    example.row["idx"] if isinstance(example.row["idx"], int) else str(example.row["idx"])
                    for example in examples
                }
            )
            == 12
        )
        assert {example.method for example in examples} == {plan.formatter.method}


def test_the_smoke_suite_has_right_and_wrong_answers_of_every_class():
    for plan, examples, _ in suite_examples(load_suite(SUITES / "smoke.yaml"), formatter="head@1"):
        golds = {example.gold for example in examples}
        assert golds == set(range(len(plan.benchmark.labels) or 2)), plan.benchmark.name


def test_a_named_folder_takes_precedence_and_the_smaller_limit_holds():
    suite = load_suite(SUITES / "superglue-quick.yaml")
    planned = list(suite_examples(suite, GOLDEN / "rows", limit=1))
    assert {plan.limit for plan, _, _ in planned} == {1}
    assert {len(examples) for _, examples, _ in planned} == {1}
    assert all(source.location.startswith(str(GOLDEN)) for _, _, source in planned)
    assert next(suite_examples(suite, GOLDEN / "rows", limit=100)).plan.limit == 64


def test_a_folder_with_other_rows_than_the_official_split_is_noticed():
    suite = load_suite(SUITES / "cb.yaml")
    rows = len(next(suite_examples(suite, GOLDEN / "rows")).examples)
    assert next(suite_examples(suite, GOLDEN / "rows")).source.note == f"cut split, {rows} rows of 56"
    assert next(suite_examples(suite, GOLDEN / "rows", limit=1)).source.note == ""
    smoke = suite_examples(load_suite(SUITES / "smoke.yaml"))
    assert {source.note for _, _, source in smoke} == {""}
    assert split_note("boolq", "val", 3270, None) == split_note("boolq", "val", 64, 64) == ""
    assert split_note("cb", "val", 90, None) == "other split, 90 rows"


def test_a_limit_makes_a_full_suite_partial():
    suite = load_suite(SUITES / "boolq.yaml")
    assert not next(suite_examples(suite, GOLDEN / "rows")).plan.partial
    assert next(suite_examples(suite, GOLDEN / "rows", limit=1)).plan.partial


def test_a_wrong_formatter_is_refused_before_rows_are_read(tmp_path: Path):
    with pytest.raises(InputError, match="no formatter 't6@1' for boolq"):
        next(suite_examples(load_suite(SUITES / "superglue.yaml"), tmp_path, formatter="t6@1"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", r"mine.yaml is no YAML"),
        ("- 1", r"mine.yaml, the file: Input should be a valid dictionary"),
        (HEAD, r"mine.yaml, benchmarks: the key is missing"),
        (HEAD + "benchmarks: []", r"benchmarks: List should have at least 1 item"),
        (HEAD + "benchmrks: []\nbenchmarks: [{name: cb}]", r"benchmrks: there is no such key.*Did you mean benchmarks"),
        (HEAD + "benchmarks: [{name: bolq}]", r"benchmarks.0.name: There is no benchmark 'bolq'.*Did you mean boolq"),
        (HEAD + "benchmarks: [{name: cb}, {name: cb}]", r"benchmarks.1.name: cb is there twice"),
        (
            HEAD + "benchmarks: [{name: cb, formater: t5@1}]",
            r"benchmarks.0.formater: there is no such key.*Did you mean formatter",
        ),
        (HEAD + "benchmarks: [{name: cb, formatter: t5@2}]", r"benchmarks.0.formatter: .*'t5@2' for cb"),
        (HEAD + "benchmarks: [{name: cb, split: test}]", r"benchmarks.0.split: Input should be 'train' or 'val'"),
        (
            HEAD + "benchmarks: [{name: cb, limit: 0}]",
            r"benchmarks.0.limit: Input should be greater than or equal to 1",
        ),
        (HEAD + "data: ../x\nbenchmarks: [{name: cb}]", r"data: '../x' lies outside"),
        (HEAD.replace("mine", "My Suite") + "benchmarks: [{name: cb}]", r"name: String should match pattern"),
        (HEAD + "benchmarks: [{name: cb, formatter: !!python/name:os.system }]", r"is no YAML"),
    ],
)
def test_a_fault_in_a_suite_names_file_and_key(tmp_path: Path, text: str, message: str):
    with pytest.raises(InputError, match=message):
        load_suite(suite_file(tmp_path, text))


def test_a_suite_that_is_not_there_is_named_with_a_suggestion():
    with pytest.raises(InputError, match=r"no suite .*superglu.yaml.*Did you mean superglue.yaml"):
        load_suite(SUITES / "superglu.yaml")


def test_rows_with_the_same_number_are_refused(tmp_path: Path):
    line = (GOLDEN / "rows" / "CB" / "val.jsonl").read_text(encoding="utf-8").splitlines()[0]
    (tmp_path / "CB").mkdir()
    (tmp_path / "CB" / "val.jsonl").write_text(f"{line}\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match="two rows with the number 3"):
        next(suite_examples(load_suite(SUITES / "cb.yaml"), tmp_path))


@pytest.mark.parametrize(
    "change",
    [{"context": "Is it? "}, {"choices": ("no", " yes")}, {"gold": 0}, {"id": "2"}, {"pair": "x"}, {"method": "head"}],
)
def test_the_prompt_hash_changes_with_whatever_a_score_depends_on(change: dict[str, object]):
    base = prompt_hash([example()])
    assert base == prompt_hash(iter([example(row={"note": "not shown"})]))
    assert prompt_hash([example(**change)]) != base


def test_the_prompt_hash_is_the_same_on_every_machine():
    asked: list[Example] = [example(), example(id="2", gold=("é", "x"))]
    assert prompt_hash(asked) == "ffbf18cf752b942bec649fbe77ebe9a984b7d77810952581be7008fb773bdcbe"
    assert prompt_hash(asked[::-1]) != prompt_hash(asked)
