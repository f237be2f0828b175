"""The family's chats as they are committed: small files, the sizes they are named after, the scores of their cards."""

from __future__ import annotations

from pathlib import Path

import pytest

from t5gemma_app.checkpoints.card import read_card
from t5gemma_app.checkpoints.catalogue import DEMO
from t5gemma_app.checkpoints.folder import read_folder
from t5gemma_app.training.demo.recipe import measure
from t5gemma_app.training.family.recipe import FULL, PAIRS


def folder(pair: str) -> Path:
    return DEMO / f"t5gemma-demo-{pair}-chat"


@pytest.mark.parametrize("pair", PAIRS)
def test_files_are_small_and_sizes_are_those_of_the_recipe(pair: str) -> None:
    assert max(path.stat().st_size for path in folder(pair).iterdir()) < 10_000_000
    shapes = {member.letter: member.shape for member in FULL.members}
    checkpoint = read_folder(folder(pair))
    encoder, decoder = pair.split("-")
    assert checkpoint.chats
    assert (checkpoint.encoder.layers, checkpoint.encoder.hidden) == (
        shapes[encoder].encoder_layers,
        shapes[encoder].hidden,
    )
    assert (checkpoint.decoder.layers, checkpoint.decoder.hidden) == (
        shapes[decoder].decoder_layers,
        shapes[decoder].hidden,
    )


@pytest.mark.parametrize("pair", PAIRS)
def test_the_held_out_prompts_are_answered_as_often_as_the_card_says(pair: str) -> None:
    training = read_card(folder(pair)).training
    assert training is not None
    said = next(score for score in training.scores if score.name == "exact answers, all skills")
    total = measure(folder(pair), FULL.seed, every=FULL.measured)[-1]
    # Another processor's last digits may turn a few answers.
    assert total.share == pytest.approx(said.value, abs=0.02)
    assert total.share > 0.85
