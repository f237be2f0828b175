from __future__ import annotations

import threading
from dataclasses import dataclass

import pytest

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.pool import Pool
from t5gemma_app.errors import BrokenCheckpointError, BusyError, TooBigError


@dataclass
class Thing:
    name: str
    bytes: int = 10


def checkpoint(name):
    return Checkpoint(name=name, source="local", location=name)


class Shelf:
    """A pool of things of ten bytes that counts loads and drops."""

    def __init__(self, budget=25, gate=None, error=None):
        self.loads, self.drops, self.gate, self.error = [], 0, gate, error
        self.pool = Pool(budget, lambda c: 10, self.load, self.dropped)

    def load(self, wanted, report):
        report("reading", 0.5)
        if self.gate:
            assert self.gate.wait(5)
        if self.error:
            raise self.error
        self.loads.append(wanted.name)
        return Thing(wanted.name)

    def dropped(self):
        self.drops += 1

    def ensure(self, name):
        return list(self.pool.ensure(checkpoint(name)))

    def names(self):
        return [thing.name for thing, _ in self.pool.held()]


def test_many_who_ask_at_once_load_once():
    shelf = Shelf(gate=threading.Event())
    threads = [threading.Thread(target=shelf.ensure, args=("a",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    shelf.gate.set()
    for thread in threads:
        thread.join(5)
    assert shelf.loads == ["a"]


def test_the_least_recently_used_leaves():
    shelf = Shelf()
    shelf.ensure("a")
    shelf.ensure("b")
    shelf.ensure("a")
    shelf.ensure("c")
    assert shelf.names() == ["a", "c"]
    assert shelf.drops == 1
    assert "b used longest ago" in shelf.pool.last_eviction


def test_what_answers_stays():
    shelf = Shelf()
    shelf.ensure("a")
    shelf.ensure("b")
    assert shelf.pool.lease("a").name == "a"
    shelf.ensure("c")
    assert shelf.names() == ["a", "c"]
    with pytest.raises(BusyError, match="a is answering"):
        shelf.pool.drop("a")
    shelf.pool.lease("c")
    with pytest.raises(TooBigError, match="d does not fit"):
        shelf.ensure("d")
    assert shelf.names() == ["a", "c"]
    shelf.pool.release("a")
    shelf.ensure("d")
    assert shelf.names() == ["c", "d"]


def test_a_failed_load_reaches_everybody_and_can_be_tried_again():
    shelf = Shelf(error=BrokenCheckpointError("damaged"))
    for _ in range(2):
        with pytest.raises(BrokenCheckpointError, match="damaged"):
            shelf.ensure("a")
    shelf.error = None
    shelf.ensure("a")
    assert shelf.names() == ["a"]


def test_progress_is_told_while_it_loads():
    shelf = Shelf(gate=threading.Event())
    events = shelf.pool.ensure(checkpoint("a"))
    assert (next(events).stage, next(events).fraction) == ("reading", 0.5)
    shelf.gate.set()
    list(events)
    assert shelf.pool.drop("a")
    assert not shelf.pool.drop("a")
