"""Training on a nano model: it learns, and a killed run goes on as if nothing had happened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import torch
from transformers import GemmaTokenizer

from t5gemma_app.training.demo.batches import IGNORED, cut_batches, encode_prompt
from t5gemma_app.training.demo.loop import Plan, loss_of, train
from t5gemma_app.training.demo.mixture import Mixture
from t5gemma_app.training.demo.state import Position, load_state, save_state
from t5gemma_app.training.fresh import Shape, fresh_model
from t5gemma_app.training.tokenizer import train_tokenizer

NANO = Shape(hidden=32, intermediate=48, heads=2, encoder_layers=1, decoder_layers=1)
PLAN = Plan(seed=7, steps=20, batch_rows=8, batches_per_chunk=6)


@pytest.fixture(scope="module")
def tokenizer() -> GemmaTokenizer:
    rows = Mixture(7).chunk(-1, 800)
    return train_tokenizer((text for row in rows for text in (row.turns[-1].text, row.answer)), 500)


def _weights(tokenizer: GemmaTokenizer, state: Path | None, stops: tuple[int | None, ...]) -> dict[str, torch.Tensor]:
    for stop in stops:
        model = fresh_model(NANO, len(tokenizer), seed=1)
        train(model, tokenizer, Mixture(7), PLAN, state_folder=state, stop_after=stop)
    return {name: value.clone() for name, value in model.state_dict().items()}


def test_a_resumed_run_ends_with_the_same_weights(tokenizer: GemmaTokenizer, tmp_path: Path) -> None:
    whole = _weights(tokenizer, None, (None,))
    resumed = _weights(tokenizer, tmp_path, (10, None))
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_the_loss_falls(tokenizer: GemmaTokenizer) -> None:
    model = fresh_model(NANO, len(tokenizer), seed=1)
    batch = cut_batches(tokenizer, Mixture(7).chunk(99, 32), 32, Random(0))[0]
    count = int((batch.targets != IGNORED).sum())
    before = loss_of(model, batch).item() / count
    train(model, tokenizer, Mixture(7), replace(PLAN, steps=40), state_folder=None)
    assert loss_of(model, batch).item() / count < before - 1


def test_two_replicas_train_like_one(tokenizer: GemmaTokenizer) -> None:
    weights = []
    for replicas in (1, 2):
        model = fresh_model(NANO, len(tokenizer), seed=1)
        train(model, tokenizer, Mixture(7), replace(PLAN, steps=4, replicas=replicas), state_folder=None)
        weights.append(torch.cat([value.flatten() for value in model.state_dict().values()]))
    assert torch.allclose(*weights, atol=1e-4)


def test_a_padded_row_has_the_loss_it_has_alone(tokenizer: GemmaTokenizer) -> None:
    model = fresh_model(NANO, len(tokenizer), seed=1).eval()
    batch = cut_batches(tokenizer, Mixture(7).chunk(5, 16), 16, Random(0))[0]
    alone = 0.0
    for index in range(16):
        row = batch.rows(index, 16)
        prompt, target = int(row.prompt_mask.sum()), int((row.targets != IGNORED).sum())
        cut = type(row)(
            row.prompts[:, :prompt], row.prompt_mask[:, :prompt], row.decoder_input[:, :target], row.targets[:, :target]
        )
        alone += loss_of(model, cut).item()
    assert loss_of(model, batch).item() == pytest.approx(alone, rel=1e-4)


def test_a_prompt_begins_with_one_bos(tokenizer: GemmaTokenizer) -> None:
    for row in Mixture(7).chunk(1, 50):
        ids = encode_prompt(tokenizer, row)
        assert ids[0] == 2
        assert ids.count(2) == 1


def test_the_rate_rises_and_falls_to_zero() -> None:
    rates = [PLAN.rate(progress / 100) for progress in range(101)]
    assert rates[0] < rates[2] == max(rates) == 1.0
    assert rates[100] == pytest.approx(0)


def test_a_state_is_whole_or_absent(tmp_path: Path) -> None:
    assert load_state(tmp_path) is None
    (tmp_path / "state.pt.unfinished").write_bytes(b"half a state of a killed run")
    assert load_state(tmp_path) is None
    save_state(tmp_path, Position(step=3, seconds=1.5), {"model": {"weight": torch.ones(2)}})
    found = load_state(tmp_path)
    assert found is not None
    position, parts = found
    assert position == Position(step=3, seconds=1.5)
    assert torch.equal(parts["model"]["weight"], torch.ones(2))
