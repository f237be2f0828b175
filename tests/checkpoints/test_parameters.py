"""The arithmetic against transformers' own modules on the meta device, and against the totals on the Hub."""

from __future__ import annotations

from dataclasses import replace

import pytest

from t5gemma_app.checkpoints.parameters import SIGLIP, count_in_words, count_parameters
from t5gemma_app.checkpoints.records import Stack
from t5gemma_app.checkpoints.sizes import SIZES, SIZES_2, t5gemma_config_dict

torch = pytest.importorskip("torch")

HUB_TOTALS = {
    ("s", "s"): 312_517_632,
    ("b", "b"): 591_490_560,
    ("l", "l"): 1_241_761_792,
    ("ml", "ml"): 2_200_345_344,
    ("xl", "xl"): 3_766_980_608,
    ("2b", "2b"): 5_596_853_760,
    ("9b", "2b"): 12_292_375_296,
    ("9b", "9b"): 20_333_401_088,
}
"""The Hub's safetensors totals; the same for both objectives and both stages of a pair."""

HUB_TOTALS_2 = {"270m": 786_029_296, "1b": 2_115_977_456, "4b": 7_508_928_880}
"""T5Gemma 2's bfloat16 totals on the Hub."""

TINY = Stack(
    layers=3, hidden=48, intermediate=80, heads=4, kv_heads=2, head_dim=16, vocabulary=97, positions=256, window=24,
    sliding_layers=2, softcap=50.0,
)  # fmt: skip
WIDE = replace(TINY, layers=2, hidden=64, intermediate=96, kv_heads=4)


def _total(model: torch.nn.Module) -> int:
    """Count a module's parameters, tied ones once."""
    return sum(parameter.numel() for parameter in {id(p): p for p in model.parameters()}.values())


def _part(model: torch.nn.Module, *words: str) -> int:
    return sum(p.numel() for name, p in model.named_parameters() if any(word in name for word in words))


def _config(encoder: Stack, decoder: Stack, **changes: object):
    from transformers import T5GemmaConfig

    return T5GemmaConfig(**{**t5gemma_config_dict(encoder, decoder), **changes})


def _on_meta(cls: type, config: object):
    with torch.device("meta"):
        model = cls(config)
    model.tie_weights()
    return model


@pytest.mark.parametrize("pair", HUB_TOTALS, ids="-".join)
def test_every_part_of_a_released_pair_is_exact(pair: tuple[str, str]) -> None:
    from transformers import T5GemmaForConditionalGeneration

    encoder, decoder = (SIZES[size] for size in pair)
    model = _on_meta(T5GemmaForConditionalGeneration, _config(encoder, decoder))
    counts = count_parameters(encoder, decoder)
    cross = _part(model, "cross_attn")
    assert counts.total == _total(model) == HUB_TOTALS[pair]
    assert counts.embeddings == _part(model, "embed_tokens")
    assert counts.cross_attention == cross
    assert counts.decoder == _part(model, "model.decoder.") - cross - _part(model, "decoder.embed_tokens")
    assert counts.encoder == _part(model, "model.encoder.") - _part(model, "encoder.embed_tokens")


@pytest.mark.parametrize("size", HUB_TOTALS_2)
def test_t5gemma_2_is_exact(size: str) -> None:
    from transformers import T5Gemma2Config, T5Gemma2ForConditionalGeneration

    stack = SIZES_2[size]
    text = {
        "vocab_size": stack.vocabulary,
        "hidden_size": stack.hidden,
        "intermediate_size": stack.intermediate,
        "num_hidden_layers": stack.layers,
        "num_attention_heads": stack.heads,
        "num_key_value_heads": stack.kv_heads,
        "head_dim": stack.head_dim,
        "sliding_window": stack.window,
    }
    vision = {
        "hidden_size": SIGLIP.hidden,
        "intermediate_size": SIGLIP.intermediate,
        "num_hidden_layers": SIGLIP.layers,
        "num_attention_heads": 16,
        "image_size": SIGLIP.image,
        "patch_size": SIGLIP.patch,
        "vision_use_head": False,
        "model_type": "siglip_vision_model",
    }
    config = T5Gemma2Config(encoder={"text_config": text, "vision_config": vision}, decoder=text)
    model = _on_meta(T5Gemma2ForConditionalGeneration, config)
    counts = count_parameters(stack, stack, "t5gemma2")
    assert counts.total == _total(model) == HUB_TOTALS_2[size]
    assert counts.other == _part(model, "vision_tower", "multi_modal_projector")
    assert counts.decoder == _part(model, "model.decoder.layers", "model.decoder.norm")


@pytest.mark.parametrize(("encoder", "decoder"), [(TINY, WIDE), (WIDE, TINY), (SIZES["s"], SIZES["b"])])
@pytest.mark.parametrize("tied", [True, False])
def test_unbalanced_and_untied(encoder: Stack, decoder: Stack, tied: bool) -> None:
    from transformers import T5GemmaForConditionalGeneration

    model = _on_meta(T5GemmaForConditionalGeneration, _config(encoder, decoder, tie_word_embeddings=tied))
    assert count_parameters(encoder, decoder, tied_head=tied).total == _total(model)


@pytest.mark.parametrize("whole", [True, False], ids=["encoder-decoder", "encoder"])
@pytest.mark.parametrize("head", ["Sequence", "Token"])
def test_classification_heads(whole: bool, head: str) -> None:
    import transformers

    config = _config(TINY, WIDE, is_encoder_decoder=whole, num_labels=5)
    model = _on_meta(getattr(transformers, f"T5GemmaFor{head}Classification"), config)
    assert count_parameters(TINY, WIDE if whole else None, labels=5).total == _total(model)


def test_attention_biases() -> None:
    from transformers import T5GemmaConfig, T5GemmaForConditionalGeneration

    config = t5gemma_config_dict(TINY, WIDE)
    config["encoder"]["attention_bias"] = config["decoder"]["attention_bias"] = True
    model = _on_meta(T5GemmaForConditionalGeneration, T5GemmaConfig(**config))
    assert count_parameters(TINY, WIDE, attention_bias=True).total == _total(model)


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0"), (870, "870"), (999_499, "999K"), (999_600, "1.0M"), (1_310_000, "1.3M"), (99_960_000, "100M"),
     (312_517_632, "313M"), (5_596_853_760, "5.6B"), (999_999_999, "1.0B")],
)  # fmt: skip
def test_counts_in_words(count: int, words: str) -> None:
    assert count_in_words(count) == words
