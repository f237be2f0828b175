from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch

from t5gemma_app.engine import products
from t5gemma_app.engine.attention import IMPLEMENTATION, register_attention
from t5gemma_app.engine.decoders import PaddedDecoder, SlotDecoder, decoder_of
from t5gemma_app.engine.generate import padded
from t5gemma_app.engine.head import ScreenedHead
from t5gemma_app.engine.types import SamplingParameters
from tests.tiny import tiny_model, tiny_model_2

register_attention()


def requests(count, seed=0, sampled=False):
    """Prompts of mixed lengths, each with parameters of its own."""
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        prompt = [2, *(rng.randrange(108, 400) for _ in range(rng.choice([1, 3, 9, 20, 45])))]
        parameters = SamplingParameters(max_new_tokens=rng.choice([1, 4, 11, 24]))
        if sampled:
            parameters = SamplingParameters(
                max_new_tokens=parameters.max_new_tokens, temperature=rng.choice([0.7, 1.3]), top_p=0.9, seed=number
            )
        rows.append((prompt, parameters))
    return rows


def served(decoder, rows, seats=3, seed=1):
    """Serve requests that arrive at random times; return each one's tokens and the largest number served at once."""
    rng = random.Random(seed)
    waiting, active, answers, most = list(enumerate(rows)), {}, {}, 0
    while waiting or active:
        joining = []
        while waiting and len(active) + len(joining) < seats and rng.random() < 0.6:
            joining.append(waiting.pop(0))
        if joining:
            given = decoder.join([row[0] for _, row in joining], [row[1] for _, row in joining])
            active.update(zip((number for number, _ in joining), given, strict=True))
        if not active:
            continue
        most = max(most, len(active))
        decoder.step()
        for number in [n for n, seat in active.items() if not seat.open]:
            answers[number] = active[number].ids
            decoder.leave(active.pop(number))
    return [answers[number] for number in range(len(rows))], most


def alone(model, prompt, parameters):
    ids, mask = padded([prompt], 0, "cpu")
    row = model.generate(input_ids=ids, attention_mask=mask, max_new_tokens=parameters.max_new_tokens, do_sample=False)[
        0, 1:
    ].tolist()
    ends = [at for at, index in enumerate(row) if index in (1, 107)]
    return row[: ends[0] + 1] if ends else row


@pytest.mark.parametrize("unbalanced", [True, False])
def test_greedy_equals_transformers_alone_whoever_else_is_served(unbalanced):
    model = tiny_model(unbalanced=unbalanced)
    rows = requests(24)
    expected = [alone(model, *row) for row in rows]
    model.set_attn_implementation(IMPLEMENTATION)
    answers, most = served(SlotDecoder(model), rows)
    assert answers == expected
    assert most == 3


@pytest.mark.slow
@pytest.mark.parametrize("smallest_fused", [0, products.SMALLEST_FUSED])
def test_two_hundred_requests_equal_transformers(monkeypatch, smallest_fused):
    monkeypatch.setattr(products, "SMALLEST_FUSED", smallest_fused)
    model = tiny_model()
    rows = requests(200, seed=5)
    expected = [alone(model, *row) for row in rows]
    model.set_attn_implementation(IMPLEMENTATION)
    assert served(SlotDecoder(model), rows, seats=8)[0] == expected


def test_a_seeded_sample_is_the_same_alone_and_in_company():
    model = tiny_model(strength=3.0)
    model.set_attn_implementation(IMPLEMENTATION)
    rows = requests(20, sampled=True)
    together, _ = served(SlotDecoder(model), rows, seats=6)
    single = [served(SlotDecoder(model), [row])[0][0] for row in rows]
    assert together == single
    assert together == served(PaddedDecoder(model), rows, seats=6)[0]


@pytest.mark.parametrize("sampled", [True, False])
def test_padded_batches_of_t5gemma_2_equal_each_prompt_alone(sampled):
    model = tiny_model_2()
    rows = requests(20, sampled=sampled)
    together, most = served(decoder_of(model), rows, seats=6)
    assert together == [served(decoder_of(model), [row])[0][0] for row in rows]
    assert most == 6


@pytest.mark.parametrize("sampled", [True, False])
def test_screening_changes_no_token(sampled):
    model = tiny_model(strength=3.0)
    model.set_attn_implementation(IMPLEMENTATION)
    rows = [(prompt, replace(parameters, top_k=5 if sampled else 0)) for prompt, parameters in requests(30, 4, sampled)]
    head = ScreenedHead(model.lm_head.out_proj.weight)
    assert served(SlotDecoder(model, head), rows)[0] == served(SlotDecoder(model), rows)[0]
    assert head.count.screened > 100


def test_answers_longer_than_the_first_room_go_on():
    model = tiny_model()
    model.generation_config.eos_token_id = [1]
    rows = [([2, 200, 300], SamplingParameters(max_new_tokens=90)), ([2, 111], SamplingParameters(max_new_tokens=70))]
    expected = served(PaddedDecoder(model), rows)[0]
    model.set_attn_implementation(IMPLEMENTATION)
    assert served(SlotDecoder(model), rows)[0] == expected
    assert max(map(len, expected)) > 64


def test_memory_follows_use():
    model = tiny_model()
    decoder = SlotDecoder(model)
    assert decoder.bytes == 0
    seats = decoder.join([[2] * 40] * 16, [SamplingParameters(max_new_tokens=99)] * 16)
    for _ in range(40):
        decoder.step()
    full = decoder.bytes
    for seat in seats[1:]:
        decoder.leave(seat)
    assert 0 < decoder.bytes <= full // 4
    before = list(seats[0].ids)
    decoder.step()
    assert seats[0].ids[: len(before)] == before
    decoder.leave(seats[0])
    assert decoder.bytes == 0


def test_a_failed_join_seats_nobody(monkeypatch):
    model = tiny_model()
    decoder = SlotDecoder(model)
    (seat,) = decoder.join([[2, 150]], [SamplingParameters(max_new_tokens=9)])
    decoder.step()
    with pytest.raises(IndexError):
        decoder.join([[2, 99_999]], [SamplingParameters()])
    decoder.step()
    assert len(seat.ids) == 2
    assert torch.equal(torch.tensor(decoder._slots.count), torch.tensor(1))
