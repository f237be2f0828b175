from __future__ import annotations

import pytest
import torch

from t5gemma_app.engine.attention import IMPLEMENTATION, register_attention
from t5gemma_app.engine.generate import Decoding, padded, special_ids
from t5gemma_app.engine.types import SamplingParameters
from tests.tiny import tiny_model

register_attention()
PROMPTS = [[2, *torch.randint(108, 400, (n,), generator=torch.Generator().manual_seed(n)).tolist()] for n in (3, 40, 9)]


def decoded(model, prompts, **parameters):
    decoding = Decoding(model, prompts, [SamplingParameters(max_new_tokens=24, **parameters)] * len(prompts))
    while any(decoding.open):
        decoding.step()
    return decoding.ids


def generated(model, prompts, **options):
    ids, mask = padded(prompts, 0, "cpu")
    output = model.generate(input_ids=ids, attention_mask=mask, max_new_tokens=24, **options)
    rows = []
    for row in output[:, 1:].tolist():
        ends = [at for at, index in enumerate(row) if index in (1, 107)]
        rows.append(row[: ends[0] + 1] if ends else row)
    return rows


@pytest.mark.parametrize("unbalanced", [True, False])
@pytest.mark.parametrize("implementation", ["eager", IMPLEMENTATION])
@pytest.mark.parametrize("seed", range(3))
def test_greedy_equals_transformers_token_by_token(unbalanced, implementation, seed):
    model = tiny_model(seed=seed, unbalanced=unbalanced)
    expected = generated(model, PROMPTS, do_sample=False)
    model.set_attn_implementation(implementation)
    assert decoded(model, PROMPTS) == expected


def test_batched_equals_single():
    model = tiny_model()
    assert decoded(model, PROMPTS) == [decoded(model, [prompt])[0] for prompt in PROMPTS]


def test_a_penalty_equals_transformers():
    model = tiny_model()
    expected = generated(model, PROMPTS, do_sample=False, repetition_penalty=1.7)
    assert decoded(model, PROMPTS, repetition_penalty=1.7) == expected
    assert expected != decoded(model, PROMPTS)


def test_a_seed_gives_the_same_answer_alone_and_in_company():
    model = tiny_model(strength=3.0)
    settings = {"temperature": 0.9, "top_p": 0.95, "seed": 11}
    together = decoded(model, PROMPTS, **settings)
    assert together == [decoded(model, [prompt], **settings)[0] for prompt in PROMPTS]
    assert together != decoded(model, PROMPTS, temperature=0.9, top_p=0.95, seed=12)


def test_an_end_mark_closes_its_row_only():
    model = tiny_model()
    rows = decoded(model, PROMPTS)
    end = rows[0][3]
    model.generation_config.eos_token_id = [end]
    shorter = decoded(model, PROMPTS)
    for before, after in zip(rows, shorter, strict=True):
        cut = before.index(end) + 1 if end in before else len(before)
        assert after == before[:cut]
    assert len(shorter[0]) <= 4


def test_marks_come_from_the_checkpoint():
    assert special_ids(tiny_model()) == (2, 0, frozenset({1, 107}))
