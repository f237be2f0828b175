"""Pretraining: new models, adapted ones, decoder-only ones, and a teacher."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.checkpoints.card import read_card
from t5gemma_app.checkpoints.folder import read_folder
from t5gemma_app.errors import InputError
from t5gemma_app.training.adapting.adapt import AdaptOrder, adapt
from t5gemma_app.training.fresh import Shape
from t5gemma_app.training.machine import Machine
from t5gemma_app.training.plan import Plan
from t5gemma_app.training.pretrain import PretrainOrder, pretrain
from t5gemma_app.training.sequences import OBJECTIVES, Sequences, cut_pieces, hold_out_pieces
from tests.training.gemmas import save_gemma

TEXT = "\n\n".join(
    f"the cat number {number} sat in the box number {number % 7} and in it was the thing." for number in range(150)
)
PLAN = Plan(steps=6, batch_rows=4, longest=32, rate=1e-3, evaluate_every=3)
NANO = Shape(hidden=32, intermediate=48, heads=2, encoder_layers=1, decoder_layers=1)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    (tmp_path / "text.txt").write_text(TEXT)
    return tmp_path / "text.txt"


def order(text: Path, **changes: object) -> PretrainOrder:
    asked = PretrainOrder(text.parent / "made", (text,), PLAN, shape=NANO, pieces=600, machine=Machine(cpu=True))
    return replace(asked, **changes)  # type: ignore[arg-type]


@given(st.lists(st.text("abc", max_size=30), max_size=30), st.integers(8, 20))
def test_pieces_are_the_documents_one_after_the_other(documents: list[str], length: int) -> None:
    def encode(text: str) -> list[int]:
        return [10 + ord(letter) for letter in text]

    whole = [index for document in documents for index in (*encode(document), 1)]
    try:
        pieces = cut_pieces(documents, encode, length)
    except InputError:
        assert len(whole) < length + 8
        return
    joined = [index for piece in pieces for index in piece]
    assert joined == whole[: len(joined)] and len(whole) - len(joined) < 8
    assert all(len(piece) == length for piece in pieces[:-1])
    train, judged = hold_out_pieces(len(pieces), 0.1, 0)
    assert sorted([*train, *judged]) == list(range(len(pieces))) and train and judged


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_what_is_made_of_a_piece_depends_on_seed_and_epoch_alone(objective: str) -> None:
    pieces = [list(range(100, 150)), list(range(200, 250))]
    one, other = (Sequences(pieces, objective, tuple(range(7, 20)), 3) for _ in range(2))  # type: ignore[arg-type]
    made = [one.example(epoch, 1) for epoch in range(6)]
    assert made == [other.example(epoch, 1) for epoch in range(6)]
    assert all(example.inputs[0] == 2 for example in made)
    assert len(set(made)) == 1 if objective != "ul2" else len(set(made)) > 3
    if objective == "causal":
        assert made[0].targets == tuple(pieces[1]) and made[0].inputs == (2, *pieces[1][:-1])
    if objective == "ul2":
        kept = Counter(index for index in (*made[0].inputs, *made[0].targets) if index >= 200)
        assert kept == Counter(pieces[1]) and made[0].targets[-1] == 1


@pytest.mark.parametrize("objective", ["ul2", "prefixlm"])
def test_a_new_model_is_a_checkpoint_with_its_own_tokenizer(text: Path, objective: str) -> None:
    found = pretrain(order(text, objective=objective))
    assert found is not None and found.scores[0].name == "loss" and found.steps == 6
    checkpoint = read_folder(text.parent / "made")
    assert (checkpoint.stage, checkpoint.objective, checkpoint.head) == ("pretrained", objective, "none")
    assert checkpoint.encoder is not None and checkpoint.encoder.hidden == 32
    assert (text.parent / "made" / "tokenizer.json").is_file()
    assert pretrain(order(text, objective=objective)) == found


def test_decoder_only_sources_are_trained_adapted_and_trained_on(text: Path) -> None:
    folder = text.parent
    tokenizer = save_gemma(folder / "tokenizer")
    for name, hidden in (("small", 32), ("wide", 48)):
        shape = replace(NANO, hidden=hidden)
        made = pretrain(order(text, output=folder / name, objective="causal", shape=shape, tokenizer=tokenizer))
        assert made is not None
    report = adapt(AdaptOrder(folder / "wide", folder / "small", folder / "pair", warm_up_steps=4))
    assert report.warm_up_steps == 4
    asked = order(text, base=folder / "pair", name="pair", output=folder / "trained", objective="prefixlm")
    taught = pretrain(replace(asked, teacher=folder / "small"))
    assert taught is not None
    assert read_card(folder / "trained").cross_attention_steps == 0


def test_orders_that_make_no_sense_are_refused(text: Path, base: Path) -> None:
    with pytest.raises(InputError, match="not PrefixLM"):
        pretrain(order(text, teacher=base))
    with pytest.raises(InputError, match="even number of features"):
        pretrain(order(text, shape=replace(NANO, heads=3)))
    with pytest.raises(InputError, match="no file"):
        pretrain(order(text, texts=(text.parent / "gone.txt",)))
    with pytest.raises(InputError, match="objective is 'mlm'"):
        pretrain(order(text, objective="mlm"))
    assert not list(text.parent.glob("made*"))
