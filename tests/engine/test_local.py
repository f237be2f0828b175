from __future__ import annotations

import subprocess
import sys
import threading
import time
import weakref
from dataclasses import replace

import pytest

from t5gemma_app.checkpoints.folder import read_folder
from t5gemma_app.engine import products
from t5gemma_app.engine.local import LocalEngine
from t5gemma_app.engine.types import (
    Finished,
    GenerationRequest,
    Loading,
    Piece,
    SamplingParameters,
    ScoringRequest,
    Started,
    TextDelta,
)
from t5gemma_app.errors import BrokenCheckpointError, BusyError, EngineError, InputError, StoppedError, TooBigError
from t5gemma_app.settings import Settings
from tests.tiny import save_tiny

BOS = Piece("<bos>", control=True)


def request(checkpoint, text="hello there", **parameters):
    return GenerationRequest(checkpoint, (BOS, Piece(text)), SamplingParameters(**{"max_new_tokens": 12, **parameters}))


def finished(events):
    return [event for event in events if isinstance(event, Finished)][-1].result


def test_events_come_in_order_and_the_deltas_are_the_text(engine, tiny):
    events = [e for e in engine.generate(request(tiny)) if not isinstance(e, Loading)]
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    result = events[-1].result
    assert "".join(e.text for e in events if isinstance(e, TextDelta)) == result.text
    assert (
        result.statistics.prompt_tokens
        == events[0].prompt_tokens
        == engine.count_tokens(tiny, (BOS, Piece("hello there")))
    )
    assert result.statistics.new_tokens == len(result.token_ids) <= 12
    assert result.statistics.seconds_to_first_token > 0


def test_the_same_seed_gives_the_same_answer_alone_and_beside_others(engine, tiny):
    alone = finished(engine.generate(request(tiny, temperature=1.0, seed=7)))
    results = {}

    def ask(seed):
        results[seed] = finished(engine.generate(request(tiny, temperature=1.0, seed=seed)))

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(3, 11)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results[7].token_ids == alone.token_ids
    assert len({result.token_ids for result in results.values()}) > 1


def test_cancel_ends_at_the_next_step(engine, tiny):
    answer = engine.generate(request(tiny, temperature=1.0, max_new_tokens=5000, seed=1))
    # without end marks the answer would take all its 5,000 tokens
    seen = 0
    for event in answer:
        if isinstance(event, TextDelta):
            seen += 1
            answer.cancel()
    assert event.result.finish_reason in ("cancelled", "stop")
    assert event.result.statistics.new_tokens < 200
    assert seen >= 1


def test_leaving_the_iteration_gives_the_slot_back(engine, tiny):
    events = iter(engine.generate(request(tiny, temperature=1.0, max_new_tokens=5000)))
    for event in events:
        if isinstance(event, TextDelta):
            break
    events.close()
    list(engine.generate(request(tiny)))
    assert engine.status().active == 0
    assert not engine.status().loaded[0].busy


def test_batched_equals_single(engine, tiny):
    prompts = [(BOS, Piece(text)) for text in ("a", "hello there, what a day", "in the end", "x" * 50)]
    batch = engine.generate_batch(tiny, prompts, SamplingParameters(max_new_tokens=16))
    single = [engine.generate_batch(tiny, [prompt], SamplingParameters(max_new_tokens=16))[0] for prompt in prompts]
    assert [r.token_ids for r in batch] == [r.token_ids for r in single]
    assert [r.text for r in batch] == [r.text for r in single]


def test_a_stop_string_ends_the_answer_and_is_not_part_of_it(engine, tiny):
    whole = finished(engine.generate(request(tiny, temperature=1.0, seed=2, max_new_tokens=40))).text
    stop = whole[3:5]
    cut = finished(engine.generate(request(tiny, temperature=1.0, seed=2, max_new_tokens=40, stop=(stop,))))
    assert cut.text == whole[: whole.index(stop)]
    assert cut.finish_reason == "stop"


def test_unload_gives_room_back(engine, tiny):
    list(engine.load(tiny))
    assert engine.status().used_bytes > 0
    assert engine.unload(tiny.name)
    assert engine.status().used_bytes == 0
    assert not engine.unload(tiny.name)


def test_nothing_keeps_an_unloaded_model_alive(engine, tiny):
    finished(engine.generate(request(tiny)))
    engine.generate_batch(tiny, [(BOS, Piece("x"))], SamplingParameters(max_new_tokens=2))
    engine.score(tiny, [ScoringRequest("x", ("y",))])
    model = weakref.ref(engine.runtime()._pool.held()[0][0].model)
    assert engine.unload(tiny.name)
    assert model() is None


def test_prompts_that_can_not_be_read_are_refused(engine, tiny):
    with pytest.raises(InputError, match="has 801 tokens"):
        list(engine.generate(request(tiny, "x" * 800)))
    with pytest.raises(InputError, match="temperature"):
        engine.generate(request(tiny, temperature=99.0))


def test_a_checkpoint_larger_than_the_budget_is_refused(tiny):
    engine = LocalEngine(Settings(offline=True, memory_gb=0.0001))
    with pytest.raises(TooBigError, match="GB"):
        list(engine.generate(request(tiny)))
    engine.close()


def test_the_least_recently_used_checkpoint_makes_room(tmp_path, tiny):
    other = read_folder(save_tiny(tmp_path / "tiny-b", seed=1))
    engine = LocalEngine(Settings(offline=True))
    list(engine.load(tiny))
    needed = engine.runtime()._needed(tiny)
    engine.runtime()._pool.budget = int(needed * 1.2)
    list(engine.load(other))
    assert [loaded.name for loaded in engine.status().loaded] == ["tiny-b"]
    assert finished(engine.generate(request(tiny))).token_ids
    engine.close()


def test_missing_weights_are_never_filled_in(tmp_path, engine):
    from safetensors.torch import load_file, save_file

    folder = save_tiny(tmp_path / "incomplete")
    tensors = load_file(folder / "model.safetensors")
    del tensors["model.encoder.layers.0.mlp.up_proj.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    checkpoint = replace(read_folder(save_tiny(tmp_path / "whole")), name="incomplete", location=str(folder))
    with pytest.raises(BrokenCheckpointError, match="lacks 1 of its weights"):
        list(engine.load(checkpoint))


def test_requests_that_wait_are_told_when_the_engine_closes(tiny):
    engine = LocalEngine(Settings(offline=True))
    answer = iter(engine.generate(request(tiny, temperature=1.0, max_new_tokens=8000)))
    while not isinstance(next(answer), TextDelta):
        pass
    engine.close()
    with pytest.raises(StoppedError):
        list(answer)


def test_too_many_waiting_requests_are_refused(tiny):
    engine = LocalEngine(Settings(offline=True, max_answers=1, max_waiting=1))
    list(engine.load(tiny))
    runtime = engine.runtime()
    gate, closed = threading.Event(), threading.Event()
    runtime._worker(runtime.place(tiny)).call(lambda: closed.set() or gate.wait(60))
    assert closed.wait(60)  # from here on the worker admits nobody
    readers = [iter(engine.generate(request(tiny, temperature=1.0))) for _ in range(2)]
    threads = [threading.Thread(target=lambda r=r: list(r)) for r in readers]
    threads[0].start()
    deadline = time.monotonic() + 60
    while engine.status().waiting < 1:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with pytest.raises(BusyError):
        list(engine.generate(request(tiny)))
    gate.set()
    threads[0].join(60)
    assert list(readers[1])
    engine.close()


def test_a_broken_installation_is_told(monkeypatch, tiny):
    engine = LocalEngine(Settings(offline=True))
    monkeypatch.setitem(sys.modules, "t5gemma_app.engine.runtime", None)
    with pytest.raises(EngineError, match="could not start"):
        list(engine.generate(request(tiny)))
    assert engine.status().failure


def test_importing_the_engine_imports_no_torch():
    code = "import sys, t5gemma_app.engine.local, t5gemma_app.services; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_layers_in_8_bits_are_named_and_only_stream(engine, tiny):
    rounded = LocalEngine(Settings(device="cpu", int8_layers=True))
    try:
        streamed = finished(rounded.generate(request(tiny)))
        (batched,) = rounded.generate_batch(tiny, [request(tiny).pieces], request(tiny).parameters)
        loaded = rounded.status().loaded[0]
    finally:
        rounded.close()
    assert streamed.statistics.dtype == "float32, int8 layers"
    assert loaded.placement.sentence() == "cpu · float32, int8 layers · sdpa"
    reason = loaded.placement.reasons[-1]
    assert (reason.subject, reason.choice) == ("layers", "int8") and "not exact" in reason.because
    assert batched.statistics.dtype == "float32"
    assert (
        batched.token_ids == engine.generate_batch(tiny, [request(tiny).pieces], request(tiny).parameters)[0].token_ids
    )
    assert loaded.bytes > engine.status().loaded[0].bytes


def test_layers_in_8_bits_are_refused_in_words_where_they_can_not_be(tiny):
    halved = LocalEngine(Settings(device="cpu", dtype="bfloat16", int8_layers=True))
    try:
        streamed = finished(halved.generate(request(tiny)))
        reason = halved.status().loaded[0].placement.reasons[-1]
    finally:
        halved.close()
    assert streamed.statistics.dtype == "bfloat16"
    assert (reason.subject, reason.choice) == ("layers", "full") and "float32 on a CPU" in reason.because


@pytest.mark.skipif(not products.fused_counts_right(), reason="no oneDNN here")
def test_layers_that_are_kept_twice_are_named_and_counted(engine, tiny, monkeypatch):
    monkeypatch.setattr(products, "SMALLEST_FUSED", 0)
    monkeypatch.setattr(products, "_for_large_weights", lambda: products.FUSED)
    twice = LocalEngine(Settings(device="cpu"))
    try:
        streamed = finished(twice.generate(request(tiny)))
        loaded = twice.status().loaded[0]
    finally:
        twice.close()
    once = finished(engine.generate(request(tiny)))
    assert streamed.text == once.text
    (reason,) = [reason for reason in loaded.placement.reasons if reason.subject == "weights of layers"]
    assert reason.choice == "twice" and "B for copies" in reason.because
    assert loaded.bytes > engine.status().loaded[0].bytes
