from __future__ import annotations

import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from t5gemma_app.engine import packed, products
from t5gemma_app.engine import score as scoring
from t5gemma_app.engine.attention import IMPLEMENTATION, register_attention
from t5gemma_app.engine.packed import absorbing_pays, can_pack, crowded, encode_packed, longest_packed, spans_of
from t5gemma_app.engine.score import Question, plan_tree, score_questions
from t5gemma_app.engine.steps import exhaust
from tests.tiny import tiny_model, tiny_model_2

register_attention()
WINDOW = 64
COUNTS = st.lists(st.integers(1, 200), min_size=1, max_size=5)


# Of a model whose scores reach the cap rounding changes more; as much on the padded path, measured against float64.
CLOSE = {1.0: 1e-5, 8.0: 5e-4}


def packable(unbalanced: bool = True, strength: float = 1.0):
    model = tiny_model(encoder_window=WINDOW, unbalanced=unbalanced, strength=strength)
    model.set_attn_implementation(IMPLEMENTATION)
    return model


def questions(longest: int = 40) -> list[Question]:
    rng = random.Random(3)
    draw = lambda n: tuple(rng.randrange(108, 400) for _ in range(n))  # noqa: E731
    some = [Question((2, *draw(n)), tuple(draw(k) for k in (1, 1, 3, 5))) for n in (3, longest - 1, 0, 11)]
    return [*some, Question(draw(20), ((150, 151), (150, 152), (150, 151, 153)))]


def flat(scores: list[list[float]]) -> list[float]:
    return [value for row in scores for value in row]


def padded_scores(monkeypatch, model, asked) -> list[float]:
    with monkeypatch.context() as patch:
        patch.setattr(scoring, "can_pack", lambda *_: False)
        return flat(score_questions(model, asked))


@pytest.mark.parametrize("strength", CLOSE)
@pytest.mark.parametrize("unbalanced", [False, True])
@pytest.mark.parametrize("absorbed", [False, True])
@pytest.mark.parametrize("smallest_fused", [0, products.SMALLEST_FUSED])
def test_packed_equals_padded(monkeypatch, strength, unbalanced, absorbed, smallest_fused):
    model = packable(unbalanced, strength)
    monkeypatch.setattr(products, "SMALLEST_FUSED", smallest_fused)
    monkeypatch.setattr(packed, "absorbing_pays", lambda *_: absorbed)
    monkeypatch.setattr(scoring, "_packed_states", counted(scoring._packed_states, calls := []))
    scores = flat(score_questions(model, questions()))
    assert len(calls) == 1
    assert scores == pytest.approx(padded_scores(monkeypatch, model, questions()), abs=CLOSE[strength])


def counted(function, calls: list):
    return lambda *arguments: calls.append(1) or function(*arguments)


@pytest.mark.parametrize("size", ["TILE_SCORES", "CPU_TOKENS", "CROWD_NODES"])
@pytest.mark.parametrize("value", [1, 45, 64, 1 << 20])
def test_sizes_of_tiles_and_parts_change_nothing(monkeypatch, size, value):
    model = packable()
    expected = flat(score_questions(model, questions()))
    monkeypatch.setattr(packed, size, value)
    assert flat(score_questions(model, questions())) == pytest.approx(expected, abs=1e-5)


def test_neighbours_and_order_change_nothing():
    model = packable()
    asked = questions()
    together = score_questions(model, asked)
    assert score_questions(model, asked[::-1])[::-1] == [pytest.approx(row, abs=1e-5) for row in together]
    assert [score_questions(model, [one])[0] for one in asked] == [pytest.approx(row, abs=1e-5) for row in together]


@torch.inference_mode()
def test_the_encoders_states_are_those_of_the_model():
    model, rows = packable(), [question.context for question in questions()]
    states = exhaust(encode_packed(model.get_encoder(), rows))
    for span, row in zip(spans_of(list(map(len, rows))), rows, strict=True):
        alone = model.get_encoder()(input_ids=torch.tensor([row])).last_hidden_state[0]
        assert torch.allclose(states[span], alone, atol=1e-5)


@pytest.mark.parametrize("longest", [WINDOW, WINDOW + 1, WINDOW + 2, 3 * WINDOW])
@pytest.mark.parametrize("tile", [1, 4096, 1 << 20])
def test_rows_beyond_a_window_see_what_the_model_sees(monkeypatch, longest, tile):
    model, asked = packable(), questions(longest)
    monkeypatch.setattr(packed, "TILE_SCORES", tile)
    assert can_pack(model, longest, 5) and longest <= longest_packed(model)
    assert flat(score_questions(model, asked)) == pytest.approx(padded_scores(monkeypatch, model, asked), abs=1e-5)


def test_answers_beyond_a_window_are_padded():
    model = packable()
    reach = model.get_decoder().config.sliding_window
    assert can_pack(model, WINDOW, reach - 1)
    assert not can_pack(model, WINDOW, reach)


def test_other_models_are_not_packed():
    assert longest_packed(tiny_model_2()) == 0
    assert longest_packed(packable().to(torch.bfloat16)) == 0
    for cap in (None, 100.0):
        model = packable()
        model.config.encoder.attn_logit_softcapping = cap
        assert longest_packed(model) == 0
    model = packable()
    model.config.decoder.hidden_activation = "silu"
    assert longest_packed(model) == 0
    model = packable()
    attention = model.get_encoder().layers[0].self_attn
    attention.k_proj = nn.Linear(attention.k_proj.in_features, attention.k_proj.out_features)
    assert longest_packed(model) == 0


@given(COUNTS, st.integers(1, 8), st.sampled_from([(8, 8, 64, 512), (8, 4, 256, 2304), (4, 1, 16, 64)]))
def test_fewer_queries_never_make_absorbing_dearer(tokens, nodes, stack):
    more = [nodes * 4] * len(tokens)
    if absorbing_pays(more, tokens, *stack):
        assert absorbing_pays([nodes] * len(tokens), tokens, *stack)


def test_absorbing_pays_for_few_queries_only():
    stack = (8, 8, 64, 512)
    assert absorbing_pays([1, 12], [200, 400], *stack)
    assert not absorbing_pays([200], [400], *stack)
    assert not absorbing_pays([20], [4], *stack)


def test_a_tree_of_one_node_is_packed(monkeypatch):
    model = packable()
    asked = [Question((2, 150, 151), ((7,), (8,)))]
    assert len(plan_tree(asked[0].answers, 2).ids) == 1
    assert flat(score_questions(model, asked)) == pytest.approx(padded_scores(monkeypatch, model, asked), abs=1e-5)


@given(st.lists(st.integers(1, 90), min_size=1, max_size=30))
def test_no_row_of_a_crowd_sees_another(counts):
    sights = [torch.ones(count, count, dtype=torch.bool).tril() for count in counts]
    spans, wide = crowded(sights)
    assert [span.stop - span.start for span in spans] == [len(sight) for sight in wide]
    assert torch.equal(torch.block_diag(*wide), torch.block_diag(*(sight.float() for sight in sights)))
    assert all(len(sight) <= packed.CROWD_NODES or len(sight) in counts for sight in wide)
