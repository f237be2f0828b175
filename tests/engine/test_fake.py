import subprocess
import sys
import threading
import time

import pytest

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.engine.types import (
    Engine,
    Finished,
    GenerationRequest,
    Loading,
    SamplingParameters,
    ScoringRequest,
    Started,
    TextDelta,
    Waiting,
)
from t5gemma_app.errors import BusyError, InputError, OutOfMemoryError, StoppedError
from t5gemma_app.tasks.turns import Turn, write_turns

CHECKPOINT = Checkpoint("tiny", "local", "/tiny")


def request(text: str = "a b c d", **parameters: object) -> GenerationRequest:
    return GenerationRequest(CHECKPOINT, write_turns([Turn("user", text)]), SamplingParameters(**parameters))


def test_events_come_in_the_protocols_order() -> None:
    engine: Engine = FakeEngine()
    kinds = [type(event) for event in engine.generate(request("a"))]
    assert kinds == [Loading, Loading, Started, TextDelta, TextDelta, TextDelta, Finished]
    assert next(type(event) for event in engine.generate(request("a"))) is Started


def test_streaming_and_a_batch_agree() -> None:
    engine = FakeEngine()
    for parameters in ({}, {"temperature": 1.0, "seed": 3}, {"max_new_tokens": 2}, {"stop": ("b",)}):
        asked = request(**parameters)
        *_, last = engine.generate(asked)
        (batched,) = engine.generate_batch(CHECKPOINT, [asked.pieces], asked.parameters)
        assert (last.result.text, last.result.token_ids) == (batched.text, batched.token_ids)


def test_seeds_change_sampled_answers_only() -> None:
    engine = FakeEngine()
    words = "a b c d e f g h"

    def text(**parameters: object) -> str:
        *_, last = engine.generate(request(words, **parameters))
        return last.result.text

    assert text(seed=1) == text(seed=2)
    assert text(seed=1, temperature=1.0) == text(seed=1, temperature=1.0) != text(seed=2, temperature=1.0)


def test_stop_strings_and_the_length_limit_end_an_answer() -> None:
    *_, stopped = FakeEngine().generate(request("a b c", stop=(" b",)))
    assert (stopped.result.text, stopped.result.finish_reason) == ("You said: a", "stop")
    *_, cut = FakeEngine().generate(request("a b c", max_new_tokens=3))
    assert (cut.result.text, cut.result.finish_reason, len(cut.result.token_ids)) == ("You said: a", "length", 3)


def test_a_cancelled_answer_ends_at_its_next_word() -> None:
    answer = FakeEngine(delay=5.0).generate(request())
    threading.Timer(0.1, answer.cancel).start()
    begun = time.monotonic()
    *_, last = answer
    assert last.result.finish_reason == "cancelled"
    assert time.monotonic() - begun < 3


def test_too_many_are_refused_and_places_are_given_back() -> None:
    engine = FakeEngine(max_answers=1, max_waiting=1)
    first, second = engine.generate(request()), engine.generate(request())
    with pytest.raises(BusyError):
        engine.generate(request())
    assert (engine.status().active, engine.status().waiting) == (1, 1)
    second.cancel()
    list(first)
    assert (engine.status().active, engine.status().waiting) == (0, 0)


def test_an_answer_waits_for_the_one_before_it() -> None:
    engine = FakeEngine(max_answers=1)
    first, second = engine.generate(request()), engine.generate(request())
    waiting = iter(second)
    assert next(waiting) == Waiting(1)
    list(first)
    assert isinstance(list(waiting)[-1], Finished)


def test_failures_and_shutdown_reach_the_reader() -> None:
    with pytest.raises(OutOfMemoryError):
        FakeEngine(failure=OutOfMemoryError("no room")).generate(request())
    with pytest.raises(InputError):
        FakeEngine().generate(request(temperature=-1))
    engine = FakeEngine()
    running = iter(engine.generate(request()))
    next(running)
    engine.close()
    with pytest.raises(StoppedError):
        list(running)
    with pytest.raises(StoppedError):
        engine.generate(request())


def test_it_needs_no_torch() -> None:
    code = "import sys, t5gemma_app.engine.fake; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_scores_depend_on_their_texts_and_the_checkpoint_alone() -> None:
    engine: Engine = FakeEngine()
    requests = [ScoringRequest(f"question {i}", (" yes", " no, never")) for i in range(6)]
    together = engine.score(CHECKPOINT, requests)
    assert together == [engine.score(CHECKPOINT, [one], budget=1)[0] for one in requests]
    assert len({score.logprob for scores in together for score in scores}) == 12
    assert all(-10 <= score.logprob <= 0 for scores in together for score in scores)
    assert [score.tokens for score in together[0]] == [1, 2]
    assert engine.score(Checkpoint("other", "local", "/tiny"), requests) != together
