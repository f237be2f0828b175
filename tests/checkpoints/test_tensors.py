"""The tensors that a configuration calls for, against the modules that transformers builds from it."""

from __future__ import annotations

import pytest

from t5gemma_app.checkpoints.configuration import read_configuration
from t5gemma_app.checkpoints.sizes import t5gemma_config_dict
from t5gemma_app.checkpoints.tensors import HEAD, TABLE, check_tensors, expected_tensors
from t5gemma_app.checkpoints.weights import Tensor
from t5gemma_app.errors import BrokenCheckpointError
from tests.checkpoints.files import TINY, WIDE

torch = pytest.importorskip("torch")


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("T5GemmaForConditionalGeneration", {"tie_word_embeddings": False}),
        ("T5GemmaForConditionalGeneration", {}),
        ("T5GemmaForSequenceClassification", {"num_labels": 3}),
        ("T5GemmaForSequenceClassification", {"num_labels": 3, "is_encoder_decoder": False}),
        ("T5GemmaForTokenClassification", {"num_labels": 7}),
        ("T5GemmaForTokenClassification", {"num_labels": 7, "is_encoder_decoder": False}),
    ],
)
@pytest.mark.parametrize("bias", [False, True])
def test_names_and_shapes_are_transformers_own(name: str, changes: dict[str, object], bias: bool) -> None:
    import transformers

    values = t5gemma_config_dict(TINY, WIDE) | changes | {"architectures": [name]}
    for side in ("encoder", "decoder"):
        values[side]["attention_bias"] = bias
    with torch.device("meta"):
        model = getattr(transformers, name)(transformers.T5GemmaConfig(**values))
    theirs = {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()}
    configuration = read_configuration(values)
    if configuration.tied_head:
        theirs.pop(HEAD, None)
    assert expected_tensors(configuration) == theirs
    parameters = sum(Tensor("F32", shape).count for shape in theirs.values())
    assert parameters == configuration.parameters.total


def _tensors(**changes: object) -> dict[str, Tensor]:
    configuration = read_configuration(t5gemma_config_dict(TINY, WIDE) | changes)
    return {name: Tensor("F32", shape) for name, shape in expected_tensors(configuration).items()}


def test_a_tied_table_may_be_saved_under_either_name_and_further_tensors_do_no_harm() -> None:
    configuration = read_configuration(t5gemma_config_dict(TINY, WIDE))
    tensors = _tensors()
    check_tensors(configuration, tensors | {HEAD: tensors[TABLE], "optimizer.step": Tensor("I64", (1,))})
    table = tensors.pop(TABLE)
    check_tensors(configuration, tensors | {HEAD: table})
    with pytest.raises(BrokenCheckpointError, match=r"model\.decoder\.embed_tokens\.weight"):
        check_tensors(configuration, tensors)


def test_an_untied_head_must_be_there() -> None:
    configuration = read_configuration(t5gemma_config_dict(TINY, WIDE) | {"tie_word_embeddings": False})
    with pytest.raises(BrokenCheckpointError, match=r"1 of \d+ tensors.*lm_head\.out_proj\.weight"):
        check_tensors(configuration, _tensors())


def test_a_tensor_of_another_shape_is_named_with_both() -> None:
    configuration = read_configuration(t5gemma_config_dict(TINY, WIDE))
    name = "model.decoder.layers.1.cross_attn.k_proj.weight"
    with pytest.raises(BrokenCheckpointError, match=r"k_proj\.weight has the shape 64 × 64\..*64 × 48"):
        check_tensors(configuration, _tensors() | {name: Tensor("F32", (64, 64))})
