"""Memory settles after loading, and what left later is found nevertheless."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from t5gemma_app.engine.heap import give_memory_back, settle


class Knot:
    """Something that only a search for unreachable cycles frees."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_is_there_is_searched_no_more_and_what_comes_is() -> None:
    settle()
    assert gc.get_freeze_count() > 10_000 > len(gc.get_objects())
    later = Knot()
    seen = weakref.ref(later)
    del later
    gc.collect()
    assert seen() is None


def test_a_model_that_leaves_is_found_though_it_was_there() -> None:
    model = Knot()
    seen = weakref.ref(model)
    settle()
    del model
    gc.collect()
    assert seen() is not None
    give_memory_back()
    assert seen() is None and gc.get_freeze_count() > 10_000
