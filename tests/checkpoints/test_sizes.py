from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.checkpoints.configuration import read_configuration
from t5gemma_app.checkpoints.records import Stack
from t5gemma_app.checkpoints.sizes import SIZES, SIZES_2, named_size, size_name, t5gemma_config_dict
from t5gemma_app.errors import InputError
from tests.checkpoints.files import TINY


def test_every_named_size_is_recognised_in_any_vocabulary() -> None:
    for name, stack in SIZES.items():
        assert size_name(stack) == name
        assert named_size(name.upper(), 1234) == replace(stack, vocabulary=1234)
    for name, stack in SIZES_2.items():
        assert size_name(stack, "t5gemma2") == name


def test_other_shapes_are_called_by_their_parameters() -> None:
    assert size_name(replace(SIZES["2b"], layers=13)) == "1.0B"
    assert size_name(TINY) == "62.8K"


def test_an_unknown_size_names_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'xxl' is not known.*s, b, l, ml, xl, 2b, 9b"):
        named_size("xxl")


@pytest.mark.parametrize("encoder", SIZES)
@pytest.mark.parametrize("decoder", SIZES)
def test_every_combination_is_a_configuration_that_transformers_takes(encoder: str, decoder: str) -> None:
    from transformers import T5GemmaConfig

    values = t5gemma_config_dict(SIZES[encoder], SIZES[decoder], dtype="bfloat16")
    config = T5GemmaConfig(**values)
    assert config.decoder.cross_attention_hidden_size == SIZES[encoder].hidden
    assert (
        config.encoder.layer_types
        == T5GemmaConfig(
            encoder={key: value for key, value in values["encoder"].items() if key != "layer_types"}
        ).encoder.layer_types
    )
    assert str(config.dtype).endswith("bfloat16")
    ours = read_configuration(values)
    theirs = read_configuration(config.to_dict())
    assert ours == theirs
    assert (ours.encoder, ours.decoder) == (SIZES[encoder], SIZES[decoder])


@given(layers=st.integers(1, 60), data=st.data())
def test_any_mixture_of_sliding_and_full_layers_comes_back(layers: int, data: st.DataObject) -> None:
    sliding = data.draw(st.integers(0, layers))
    stack = replace(TINY, layers=layers, sliding_layers=sliding)
    assert read_configuration(t5gemma_config_dict(stack, TINY)).encoder == stack


def test_a_smaller_vocabulary_keeps_its_marks_inside() -> None:
    values = t5gemma_config_dict(SIZES["s"], SIZES["b"], vocabulary=100)
    assert values["vocab_size"] == values["encoder"]["vocab_size"] == values["decoder"]["vocab_size"] == 100
    assert values["eos_token_id"] == [1]
    assert t5gemma_config_dict(SIZES["s"], SIZES["b"], vocabulary=108)["eos_token_id"] == [1, 107]


@pytest.mark.parametrize(
    ("stack", "vocabulary", "words"),
    [(TINY, 3, "vocabulary of 3"), (replace(TINY, hidden=50), None, "width of 50 with 4 heads")],
)
def test_shapes_that_transformers_refuses_are_refused_here(stack: Stack, vocabulary: int | None, words: str) -> None:
    with pytest.raises(InputError, match=words):
        t5gemma_config_dict(stack, stack, vocabulary=vocabulary)
