"""The metrics as modules of the `evaluate` library, loaded from their folders without a network."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from t5gemma_app.benchmarks import metrics

evaluate = pytest.importorskip("evaluate")
FOLDER = Path(__file__).parents[2] / "eval_suites" / "metrics"


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the modules' copies out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate.config, "HF_MODULES_CACHE", tmp_path_factory.mktemp("modules"))
        yield


CASES = [
    (
        "accuracy",
        {"predictions": [1, 0, 1], "references": [1, 0, 0]},
        {"accuracy": metrics.accuracy([1, 0, 0], [1, 0, 1])},
    ),
    (
        "macro_f1",
        {"predictions": [1, 0, 2], "references": [1, 0, 0]},
        {"f1": metrics.macro_f1([1, 0, 0], [1, 0, 2], 3)},
    ),
    (
        "multirc",
        {"predictions": [1, 0, 1], "references": [1, 0, 0], "questions": ["a", "a", "b"]},
        {"f1a": 2 / 3, "em": 0.5},
    ),
    ("record", {"predictions": ["The Cat", "x"], "references": [["cat", "dog"], ["y"]]}, {"f1": 0.5, "em": 0.5}),
]


@pytest.mark.parametrize(("name", "values", "expected"), CASES, ids=[case[0] for case in CASES])
def test_a_module_gives_what_the_package_gives(name, values, expected, tmp_path):
    module = evaluate.load(str(FOLDER / name), cache_dir=str(tmp_path))
    assert module.compute(**values) == pytest.approx(expected)


def test_every_module_is_tested():
    assert {path.name for path in FOLDER.iterdir() if path.is_dir() and path.name[0] not in "._"} == {
        case[0] for case in CASES
    }
