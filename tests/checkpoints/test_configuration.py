from __future__ import annotations

from typing import Any

import pytest

from t5gemma_app.checkpoints.configuration import read_configuration
from t5gemma_app.checkpoints.parameters import VisionTower
from t5gemma_app.checkpoints.sizes import SIZES_2, t5gemma_config_dict
from t5gemma_app.errors import BrokenCheckpointError, UnsupportedCheckpointError
from tests.checkpoints.files import TINY, WIDE


def config(**changes: Any) -> dict[str, Any]:
    return t5gemma_config_dict(TINY, WIDE) | changes


def test_what_transformers_leaves_out_of_a_file_has_its_defaults() -> None:
    from transformers import T5GemmaConfig

    bare = read_configuration({"model_type": "t5gemma"})
    full = read_configuration(T5GemmaConfig().to_dict())
    assert bare == full
    assert bare.encoder.sliding_layers == 13
    assert bare.tied_head


def test_t5gemma_2_defaults_are_transformers_own() -> None:
    from transformers import T5Gemma2Config

    theirs = T5Gemma2Config(encoder={"vision_config": {"model_type": "siglip_vision_model"}})
    ours = read_configuration({"model_type": "t5gemma2"})
    text = theirs.decoder
    assert ours.decoder is not None
    assert (ours.decoder.vocabulary, ours.decoder.positions) == (text.vocab_size, text.max_position_embeddings)
    assert ours.decoder.softcap is text.attn_logit_softcapping is None
    assert ours.decoder.sliding_layers == text.layer_types.count("sliding_attention")


def test_t5gemma_2_counts_the_vision_tower_of_its_file() -> None:
    stack = SIZES_2["270m"]
    text = {"hidden_size": 640, "intermediate_size": 2048, "num_hidden_layers": 18, "num_attention_heads": 4,
            "num_key_value_heads": 1, "vocab_size": 262_144, "sliding_window": 512}  # fmt: skip
    vision = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "image_size": 28, "patch_size": 14}
    read = read_configuration(
        {"model_type": "t5gemma2", "encoder": {"text_config": text, "vision_config": vision}, "decoder": text}
    )
    assert read.encoder == read.decoder == stack
    assert read.parameters.other == VisionTower(2, 64, 96, 28, 14).parameters + 64 * 640 + 64


@pytest.mark.parametrize(
    ("changes", "head", "labels", "has_decoder"),
    [
        ({}, "none", (), True),
        ({"architectures": ["T5GemmaModel"]}, "none", (), True),
        ({"architectures": None}, "none", (), True),
        ({"architectures": ["T5GemmaForSequenceClassification"]}, "sequence", ("LABEL_0", "LABEL_1"), True),
        (
            {
                "architectures": ["T5GemmaForSequenceClassification"],
                "is_encoder_decoder": False,
                "id2label": {"1": "bad", "0": "good"},
            },
            "sequence",
            ("good", "bad"),
            False,
        ),
        (
            {"architectures": ["T5GemmaForTokenClassification"], "id2label": {"0": "O", "1": "B-PER", "2": "I-PER"}},
            "token",
            ("O", "B-PER", "I-PER"),
            True,
        ),
    ],
)
def test_head_and_labels(changes: dict[str, Any], head: str, labels: tuple[str, ...], has_decoder: bool) -> None:
    read = read_configuration(config(**changes))
    assert (read.head, read.labels, read.decoder is not None) == (head, labels, has_decoder)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_type": "llama", "architectures": ["LlamaForCausalLM"]}, "'LlamaForCausalLM' of type 'llama'"),
        ({"model_type": "t5", "architectures": None}, "of type 't5'"),
        ({"architectures": ["T5Gemma2ForConditionalGeneration"]}, "T5Gemma2ForConditionalGeneration"),
        ({"architectures": ["T5GemmaEncoderModel"]}, "is_encoder_decoder"),
        ({"architectures": "T5GemmaStranger"}, "T5GemmaStranger"),
        ({"architectures": [{}]}, "of type 't5gemma'"),
        ({"model_type": ["t5gemma"]}, "of type"),
        ({"auto_map": {"AutoModel": "model.Evil"}}, "never run"),
        ({"quantization_config": {"load_in_4bit": True}}, "quantised"),
        ({"is_encoder_decoder": False}, "without a decoder"),
    ],
)
def test_what_is_not_ours_is_refused_by_name(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UnsupportedCheckpointError, match=words):
        read_configuration(config(**changes))


@pytest.mark.parametrize(
    ("side", "changes", "words"),
    [
        ("encoder", {"hidden_size": "wide"}, r"encoder\.hidden_size"),
        ("encoder", {"num_hidden_layers": 0}, r"encoder\.num_hidden_layers"),
        ("decoder", {"num_hidden_layers": 10**9}, r"decoder\.num_hidden_layers"),
        ("decoder", {"layer_types": ["linear_attention"] * 2}, r"decoder\.layer_types"),
        ("decoder", {"layer_types": ["full_attention"]}, "2 layers and 1 layer types"),
        ("encoder", {"num_attention_heads": 5}, "5 heads"),
        ("encoder", {"num_key_value_heads": 3}, "3 key heads"),
        ("encoder", {"attn_logit_softcapping": -1.0}, "attn_logit_softcapping"),
    ],
)
def test_a_wrong_value_is_named(side: str, changes: dict[str, Any], words: str) -> None:
    values = config()
    values[side] |= changes
    with pytest.raises(BrokenCheckpointError, match=words):
        read_configuration(values)


def test_labels_with_gaps_are_refused() -> None:
    with pytest.raises(BrokenCheckpointError, match=r"\[0, 2\]"):
        read_configuration(config(architectures=["T5GemmaForTokenClassification"], id2label={"0": "a", "2": "b"}))
