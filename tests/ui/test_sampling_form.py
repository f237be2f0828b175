"""Values of the controls as parameters."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.engine.types import SamplingParameters
from t5gemma_app.errors import InputError
from t5gemma_app.tasks.chat import PRESETS
from t5gemma_app.ui.sampling_form import SamplingValues, preset_about, preset_values, stop_strings


def test_the_controls_start_where_the_first_preset_is() -> None:
    assert SamplingValues().parameters() == PRESETS[0].parameters


def test_an_empty_seed_is_drawn_only_where_chance_plays_a_part() -> None:
    drawn = {SamplingValues(temperature=1.0, seed="").parameters().seed for _ in range(8)}
    assert len(drawn) > 1
    assert SamplingValues(seed="").parameters().seed == 0
    assert SamplingValues(temperature=1.0, seed=" 7 ").parameters().seed == 7


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_presets_set_the_controls(preset: Any) -> None:
    temperature, top_k, top_p, min_p, penalty = preset_values(preset.name)
    values = SamplingValues(temperature, 256, 0, top_k, top_p, min_p, penalty)
    assert values.parameters() == preset.parameters
    assert preset_about(preset.name).endswith(".")


def test_stop_strings_are_one_a_line() -> None:
    assert stop_strings("###\n\\n\\n\n\n END ") == ("###", "\n\n", " END ")


@given(st.tuples(*[st.none() | st.booleans() | st.floats() | st.integers() | st.text()] * 8))
def test_any_values_become_parameters_or_a_calm_refusal(values: tuple[Any, ...]) -> None:
    try:
        parameters = SamplingValues(*values).parameters()
    except InputError:
        return
    assert isinstance(parameters, SamplingParameters) and parameters == parameters.checked()
