from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from t5gemma_app import errors
from t5gemma_app.errors import AccessError, WorkbenchError, did_you_mean

CLASSES = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, WorkbenchError)]


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_says_what_was_expected_and_what_to_do(cls: type[WorkbenchError]) -> None:
    extra = {"state": "offline"} if cls is AccessError else {}
    error = cls("It broke.", expected="It should hold.", remedy="Mend it.", **extra)
    assert str(error) == "It broke. It should hold. Mend it."
    assert str(cls("It broke.", **extra)) == "It broke."
    assert (error.what, error.expected, error.remedy) == ("It broke.", "It should hold.", "Mend it.")


@pytest.mark.parametrize("cls", CLASSES)
def test_errors_cross_threads_and_processes_whole(cls: type[WorkbenchError]) -> None:
    extra = {"state": "offline"} if cls is AccessError else {}
    error = cls("It broke.", remedy="Mend it.", **extra)
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is cls
        assert str(twin) == str(error)
        assert getattr(twin, "state", None) == getattr(error, "state", None)


def test_the_module_draws_its_whole_tree() -> None:
    drawn = {line.strip("│├└─ ").split(" ")[0] for line in (errors.__doc__ or "").splitlines()}
    assert {cls.__name__ for cls in CLASSES} <= drawn


@pytest.mark.parametrize(
    ("word", "known", "sentence"),
    [
        ("t5gema", ["t5gemma", "bert"], "Did you mean t5gemma?"),
        ("boolqa", ["boolq", "boolqs", "rte"], "Did you mean boolq or boolqs?"),
        ("zzz", ["t5gemma"], ""),
        ("", ["t5gemma"], ""),
        ("t5gemma", [], ""),
    ],
)
def test_close_words_are_suggested(word: str, known: list[str], sentence: str) -> None:
    assert did_you_mean(word, known) == sentence
