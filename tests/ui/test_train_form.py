"""The controls' values as an order: usual columns, numbers, and everything a program might send instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from t5gemma_app.errors import InputError
from t5gemma_app.training.data.rows import Columns
from t5gemma_app.training.plan import Plan
from t5gemma_app.ui.train_form import CONTROLS, FILE, HUB, KNOWN, TrainWish, usual_columns


def wish(**values: Any) -> TrainWish:
    return TrainWish(**dict.fromkeys(CONTROLS) | {"teach": "Labels", "source": FILE, "name": "mine"} | values)


def test_untouched_controls_are_the_command_lines_own_values() -> None:
    order = wish(checkpoint="base").order()
    assert order.plan == Plan() and order.columns == Columns() and order.share == 0.1 and order.limit is None
    assert (order.task, order.rows, order.licence, order.cpu) == ("classify", "", "not stated", False)


def test_what_is_chosen_is_ordered() -> None:
    plan = wish(epochs=2.5, batch_rows=8, rate=1e-4, dropout=0, seed=3, steps=0, patience=2, schedule="linear").plan()
    assert plan == Plan(epochs=2.5, batch_rows=8, rate=1e-4, dropout=0.0, seed=3, patience=2, schedule="linear")
    assert wish(steps=7.0).plan().steps == 7
    assert wish(first="a", second="b", pair="c").columns() == Columns(text="a", label="b", pair="c")
    assert wish(teach="Tags", first="a", second="b").columns() == Columns(tokens="a", tags="b")
    assert wish(teach="Answers", first="a", second="b").columns() == Columns(prompt="a", response="b")
    assert wish(teach="Answers", first="messages", second=None).columns() == Columns()


def test_rows_come_from_one_source() -> None:
    everything = {"known": "sentiment", "hub": "a/b@c#train", "train": __file__}
    assert wish(**everything).rows == "" and wish(**everything).uploads()[0] is not None
    assert wish(source=KNOWN, **everything).rows == "sentiment" and wish(source=KNOWN, **everything).uploads() == (
        None,
        None,
    )
    assert wish(source=HUB, **everything).rows == "hub:a/b@c#train"
    cb = wish(source=KNOWN, known="superglue:cb", teach="Tags").order()
    assert (cb.task, cb.rows) == ("superglue:cb", "")
    with pytest.raises(InputError, match="no set of rows"):
        wish(source=KNOWN, known="hub:a/b@c#train").order()


def test_low_rank_changes_and_muon_can_be_chosen():
    assert wish(optimiser="muon", matrix_rate=0.01).plan() == Plan(optimiser="muon", matrix_rate=0.01)
    assert wish(lora_rank=8).plan() == Plan(lora_rank=8)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"teach": "Nothing"}, "What to teach is 'Nothing'"),
        ({"teach": ["Labels"]}, "What to teach"),
        ({"rate": "fast"}, "The rate is 'fast'"),
        ({"epochs": float("nan")}, "The epochs is 'nan'"),
        ({"batch_rows": 1.5}, "The batch rows is 1.5"),
        ({"seed": True}, "The seed is 'True'"),
        ({"dropout": 5}, "dropout is 5"),
        ({"steps": -1}, "steps is -1"),
        ({"schedule": "wild"}, "The schedule is 'wild'"),
        ({"optimiser": "sgd"}, "The optimiser is 'sgd'"),
        ({"lora_rank": 1.5}, "The lora rank is 1.5"),
        ({"matrix_rate": 100}, "matrix rate"),
    ],
)
def test_wrong_values_are_named(values: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        wish(**values).order()


def test_a_file_that_is_gone_and_a_name_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not here any more"):
        wish(train=str(tmp_path / "gone.csv")).uploads()
    for name in ("", "a b", "../x", "x.run", None):
        with pytest.raises(InputError, match="name"):
            wish(name=name).named()


def test_usual_columns_are_found_whatever_their_letters() -> None:
    assert usual_columns("classify", ["id", "Text", "LABEL"]) == ("Text", "LABEL")
    assert usual_columns("classify", ["a", "b"]) == (None, None)
    assert usual_columns("tag", ["tokens", "upos"]) == ("tokens", "upos")
    assert usual_columns("chat", ["messages"]) == ("messages", None)
