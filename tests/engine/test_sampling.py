from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import LogitsProcessorList, RepetitionPenaltyLogitsProcessor
from transformers.generation import MinPLogitsWarper, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from t5gemma_app.engine.sampling import Chooser, kept, penalised
from t5gemma_app.engine.types import SamplingParameters
from t5gemma_app.errors import InputError


def transformers_distribution(scores, parameters):
    warpers = LogitsProcessorList([TemperatureLogitsWarper(parameters.temperature)])
    if parameters.top_k:
        warpers.append(TopKLogitsWarper(parameters.top_k))
    if parameters.top_p < 1:
        warpers.append(TopPLogitsWarper(parameters.top_p))
    if parameters.min_p:
        warpers.append(MinPLogitsWarper(parameters.min_p))
    return torch.softmax(warpers(torch.zeros(1, 1, dtype=torch.long), scores[None])[0], -1)


@given(
    seed=st.integers(0, 1000),
    temperature=st.floats(0.2, 2.0),
    top_k=st.sampled_from([0, 1, 5, 49, 50, 500]),
    top_p=st.sampled_from([0.1, 0.5, 0.9, 1.0]),
    min_p=st.sampled_from([0.0, 0.02, 0.3]),
    ties=st.booleans(),
)
def test_the_distribution_is_transformers(seed, temperature, top_k, top_p, min_p, ties):
    scores = torch.randn(50, generator=torch.Generator().manual_seed(seed)) * 3
    if ties and top_p == 1.0:  # with ties the nucleus depends on the order of equal tokens
        scores = scores.round()
    parameters = SamplingParameters(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
    values, ids = kept(scores, parameters)
    ours = torch.zeros(50).scatter(0, ids, torch.softmax(values, -1))
    assert torch.allclose(ours, transformers_distribution(scores, parameters), atol=1e-5)


def test_the_penalty_is_transformers():
    scores = torch.randn(50)
    expected = RepetitionPenaltyLogitsProcessor(1.3)(torch.tensor([[3, 7]]), scores[None].clone())[0]
    assert torch.equal(penalised(scores, [3, 7], 1.3), expected)


def test_draws_follow_the_probabilities():
    scores = torch.tensor([2.0, 1.0, 0.0, -1.0])
    chooser = Chooser(SamplingParameters(temperature=1.0, seed=5), start_id=2)
    counts = torch.zeros(4)
    for _ in range(4000):
        counts[chooser.choose(scores)] += 1
    expected = torch.softmax(scores, -1)
    # four standard errors of each share
    assert ((counts / 4000 - expected).abs() < 4 * (expected * (1 - expected) / 4000).sqrt()).all()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_p": 0.0}, "top_p"),
        ({"max_new_tokens": 0}, "max_new_tokens"),
        ({"seed": -1}, "seed"),
        ({"stop": ("",)}, "stop strings"),
    ],
)
def test_a_value_out_of_range_is_named(change, named):
    with pytest.raises(InputError, match=named):
        SamplingParameters(**change).checked()
