"""Gemma 2 into T5Gemma: every tensor from where it should be, nothing lost, and the same numbers come out."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import Gemma2ForCausalLM, T5GemmaForConditionalGeneration
from transformers.masking_utils import create_causal_mask, create_sliding_window_causal_mask

from t5gemma_app.checkpoints.card import read_card
from t5gemma_app.checkpoints.folder import check_files, read_folder
from t5gemma_app.checkpoints.weights import INDEX
from t5gemma_app.errors import (
    BrokenCheckpointError,
    InputError,
    UnknownCheckpointError,
    UnsupportedCheckpointError,
    WorkbenchError,
)
from t5gemma_app.training.adapting.adapt import AdaptOrder, adapt, choose_dtype
from tests.training.gemmas import save_gemma

# T5Gemma's names written out by hand, so that the map is checked against something else than itself.
LAYER = {
    "pre_self_attn_layernorm": "input_layernorm",
    "post_self_attn_layernorm": "post_attention_layernorm",
    "pre_feedforward_layernorm": "pre_feedforward_layernorm",
    "post_feedforward_layernorm": "post_feedforward_layernorm",
    **{f"self_attn.{letter}_proj": f"self_attn.{letter}_proj" for letter in "qkvo"},
    **{f"mlp.{name}_proj": f"mlp.{name}_proj" for name in ("gate", "up", "down")},
}
CROSS = {
    "pre_cross_attn_layernorm": "input_layernorm",
    "post_cross_attn_layernorm": "post_attention_layernorm",
    **{f"cross_attn.{letter}_proj": f"self_attn.{letter}_proj" for letter in "qkvo"},
}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sources")
    wide = {"hidden_size": 48, "num_attention_heads": 6, "num_key_value_heads": 3, "num_hidden_layers": 4}
    return {
        "small": save_gemma(folder / "small", seed=1),
        "other": save_gemma(folder / "other", seed=2),
        "wide": save_gemma(folder / "wide", seed=3, **wide),
        "sharded": save_gemma(folder / "sharded", seed=1, shards="40KB"),
        "half": save_gemma(folder / "half", seed=1, dtype="bfloat16"),
        "untied": save_gemma(folder / "untied", seed=4, tie_word_embeddings=False),
        "biased": save_gemma(folder / "biased", seed=5, attention_bias=True),
        "shallow": save_gemma(folder / "shallow", seed=6, num_hidden_layers=2),
    }


def order(sources: dict[str, Path], encoder: str, decoder: str, output: Path, **changes: object) -> AdaptOrder:
    return replace(AdaptOrder(sources[encoder], sources[decoder], output), **changes)  # type: ignore[arg-type]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return {name: value for path in folder.glob("*.safetensors") for name, value in load_file(path).items()}


def assert_stack(made: dict[str, torch.Tensor], source: dict[str, torch.Tensor], side: str, names: dict) -> None:
    for index in range(sum(".input_layernorm" in name for name in source)):
        for target, own in names.items():
            found = made[f"model.{side}.layers.{index}.{target}.weight"]
            assert torch.equal(found, source[f"model.layers.{index}.{own}.weight"]), (side, index, target)


@pytest.mark.parametrize(("encoder", "decoder"), [("small", "small"), ("small", "other"), ("sharded", "other")])
def test_a_balanced_pair_is_its_sources_bit_for_bit(sources, tmp_path: Path, encoder: str, decoder: str) -> None:
    report = adapt(order(sources, encoder, decoder, tmp_path / "pair"))
    made, first, second = weights(tmp_path / "pair"), weights(sources[encoder]), weights(sources[decoder])
    assert_stack(made, first, "encoder", LAYER)
    assert_stack(made, second, "decoder", LAYER | CROSS)
    for part in ("embed_tokens", "norm"):
        assert torch.equal(made[f"model.encoder.{part}.weight"], first[f"model.{part}.weight"])
        assert torch.equal(made[f"model.decoder.{part}.weight"], second[f"model.{part}.weight"])
    assert sum(value.numel() for value in made.values()) == report.parameters
    assert {entry.target for entry in report.entries} == set(made)
    assert report.left_out == ()
    assert report.warm_up_steps == read_card(tmp_path / "pair").cross_attention_steps == 0


def test_shards_make_what_one_file_makes(sources, tmp_path: Path) -> None:
    adapt(order(sources, "small", "small", tmp_path / "one"))
    adapt(order(sources, "sharded", "sharded", tmp_path / "many", shard_bytes=60_000))
    assert (sources["sharded"] / INDEX).is_file()
    assert len(list((tmp_path / "many").glob("model-*-of-*.safetensors"))) > 2
    check_files(tmp_path / "many")
    one, many = weights(tmp_path / "one"), weights(tmp_path / "many")
    assert one.keys() == many.keys()
    assert all(torch.equal(one[name], many[name]) for name in one)
    loaded, report = T5GemmaForConditionalGeneration.from_pretrained(tmp_path / "many", output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
    assert loaded.lm_head.out_proj.weight is loaded.model.decoder.embed_tokens.weight


@pytest.mark.parametrize("side", ["small", "wide", "biased"])
def test_with_a_causal_mask_the_encoder_is_the_decoder_only_model(sources, tmp_path: Path, side: str) -> None:
    adapt(
        order(sources, side, "small", tmp_path / "pair")
        if side != "biased"
        else order(sources, side, side, tmp_path / "pair")
    )
    gemma = Gemma2ForCausalLM.from_pretrained(sources[side]).eval()
    encoder = T5GemmaForConditionalGeneration.from_pretrained(tmp_path / "pair").eval().model.encoder
    ids = torch.randint(4, 500, (2, 15), generator=torch.Generator().manual_seed(0))
    embedded = encoder.embed_tokens(ids)
    arguments = {"config": encoder.config, "inputs_embeds": embedded, "attention_mask": None, "past_key_values": None}
    masks = {
        "full_attention": create_causal_mask(**arguments, position_ids=None),
        "sliding_attention": create_sliding_window_causal_mask(**arguments, position_ids=None),
    }
    with torch.inference_mode():
        expected = gemma.model(ids, use_cache=False).last_hidden_state
        found = encoder(ids, attention_mask=masks).last_hidden_state
        both_ways = encoder(ids).last_hidden_state
    assert torch.allclose(found, expected, atol=1e-5)
    assert not torch.allclose(both_ways, expected, atol=1e-2)


def test_an_unbalanced_pair_begins_cross_attention_anew(sources, tmp_path: Path) -> None:
    report = adapt(order(sources, "wide", "small", tmp_path / "pair", warm_up_steps=7))
    made = weights(tmp_path / "pair")
    assert_stack(made, weights(sources["wide"]), "encoder", LAYER)
    assert_stack(made, weights(sources["small"]), "decoder", LAYER)
    keys = made["model.decoder.layers.0.cross_attn.k_proj.weight"]
    assert keys.shape == (2 * 16, 48)
    assert 0.015 < keys.std() < 0.025
    assert not torch.equal(keys, made["model.decoder.layers.1.cross_attn.k_proj.weight"])
    assert not made["model.decoder.layers.2.pre_cross_attn_layernorm.weight"].any()
    card = read_card(tmp_path / "pair")
    assert report.warm_up_steps == card.cross_attention_steps == 7
    assert "first 7 steps" in card.description
    again = adapt(order(sources, "wide", "small", tmp_path / "again"))
    assert again.warm_up_steps == 1000
    assert torch.equal(weights(tmp_path / "again")["model.decoder.layers.0.cross_attn.k_proj.weight"], keys)
    assert read_folder(tmp_path / "pair").stage == "unknown"


def test_depth_alone_unbalances_a_pair_and_a_copy_can_be_asked_for(sources, tmp_path: Path) -> None:
    asked = order(sources, "shallow", "small", tmp_path / "pair", dry_run=True)
    assert adapt(asked).reasons[0].choice == "new"
    assert adapt(replace(asked, cross_attention="copy")).warm_up_steps == 0
    with pytest.raises(InputError, match="width is 48"):
        adapt(order(sources, "wide", "small", tmp_path / "pair", cross_attention="copy"))


def test_an_untied_head_goes_with_the_decoder_only(sources, tmp_path: Path) -> None:
    report = adapt(order(sources, "untied", "untied", tmp_path / "pair"))
    made, source = weights(tmp_path / "pair"), weights(sources["untied"])
    assert torch.equal(made["lm_head.out_proj.weight"], source["lm_head.weight"])
    assert [(one.role, one.source) for one in report.left_out] == [("encoder", "lm_head.weight")]
    assert not read_folder(tmp_path / "pair").tied_head


def test_what_is_not_used_is_named_with_its_reason(sources, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(sources["small"], tmp_path / "old"))
    tensors = load_file(folder / "model.safetensors")
    tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(8)
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()
    tensors["model.layers.9.mlp.extra.weight"] = torch.ones(2)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    report = adapt(AdaptOrder(folder, sources["small"], tmp_path / "pair"))
    reasons = {one.source: one.reason for one in report.left_out}
    assert set(reasons) == {
        "model.layers.0.self_attn.rotary_emb.inv_freq", "lm_head.weight", "model.layers.9.mlp.extra.weight"
    }  # fmt: skip
    assert "tied" in reasons["lm_head.weight"] and "frequencies" in reasons[next(n for n in reasons if "inv" in n)]


def test_configuration_values_are_taken_over(sources, tmp_path: Path) -> None:
    adapt(order(sources, "wide", "small", tmp_path / "pair"))
    config = json.loads((tmp_path / "pair" / "config.json").read_text())
    source = json.loads((sources["wide"] / "config.json").read_text())
    for name in ("query_pre_attn_scalar", "sliding_window", "rope_parameters", "layer_types", "attn_logit_softcapping"):
        assert config["encoder"][name] == source[name], name
    generation = json.loads((tmp_path / "pair" / "generation_config.json").read_text())
    assert generation["decoder_start_token_id"] == 2


def test_a_dry_run_reads_headers_only(sources, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(sources["small"], tmp_path / "hollow"))
    weights_file = folder / "model.safetensors"
    length = int.from_bytes(weights_file.read_bytes()[:8], "little")
    size = weights_file.stat().st_size
    with weights_file.open("r+b") as file:
        file.truncate(8 + length)
        file.truncate(size)  # a hole: the length fits, and there is no weight to read
    planned = adapt(AdaptOrder(folder, folder, tmp_path / "pair", dry_run=True))
    assert not planned.written and not (tmp_path / "pair").exists()
    real = adapt(order(sources, "small", "small", tmp_path / "real"))
    assert planned.entries == real.entries and planned.bytes == real.bytes
    assert (tmp_path / "real" / "model.safetensors").stat().st_size > planned.bytes


def test_half_precision_is_kept_and_mixed_sources_lose_nothing(sources, tmp_path: Path) -> None:
    assert adapt(order(sources, "half", "half", tmp_path / "half")).reasons[1].choice == "bfloat16"
    made = weights(tmp_path / "half")["model.encoder.layers.0.mlp.up_proj.weight"]
    assert torch.equal(made, weights(sources["half"])["model.layers.0.mlp.up_proj.weight"])
    assert choose_dtype("bfloat16", "float16").choice == choose_dtype("float32", "bfloat16").choice == "float32"
    with pytest.raises(InputError, match="int8"):
        choose_dtype("float32", "float32", "int8")


def change_config(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


def drop_tensor(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, folder / "model.safetensors")


def make_pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def other_tokenizer(folder: Path) -> None:
    values = json.loads((folder / "tokenizer.json").read_text())
    values["model"]["merges"] = []
    (folder / "tokenizer.json").write_text(json.dumps(values))


LLAMA = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}
GEMMA_3 = {"model_type": "gemma3_text", "architectures": ["Gemma3ForCausalLM"]}


@pytest.mark.parametrize(
    ("damage", "error", "words"),
    [
        (partial(change_config, **LLAMA), UnsupportedCheckpointError, "LlamaForCausalLM"),
        (partial(change_config, **GEMMA_3), UnsupportedCheckpointError, "image tower"),
        (partial(change_config, auto_map={"AutoModel": "x.Y"}), UnsupportedCheckpointError, "auto_map"),
        (partial(change_config, quantization_config={"bits": 4}), UnsupportedCheckpointError, "quantised"),
        (partial(change_config, use_bidirectional_attention=True), UnsupportedCheckpointError, "both directions"),
        (partial(change_config, vocab_size=511), InputError, "vocabularies differ"),
        (partial(change_config, intermediate_size=40), BrokenCheckpointError, "mlp.gate_proj"),
        (partial(change_config, num_attention_heads=5), BrokenCheckpointError, "multiple"),
        (partial(change_config, hidden_size="wide"), BrokenCheckpointError, "hidden_size"),
        (lambda folder: (folder / "config.json").unlink(), BrokenCheckpointError, "config.json"),
        (drop_tensor, BrokenCheckpointError, "layers.1.mlp.up_proj"),
        (make_pickle, UnsupportedCheckpointError, "pickle"),
        (other_tokenizer, InputError, "tokenizers"),
    ],
)
def test_wrong_sources_are_refused_and_nothing_is_written(sources, tmp_path: Path, damage, error, words: str) -> None:
    folder = Path(shutil.copytree(sources["small"], tmp_path / "source"))
    damage(folder)
    with pytest.raises(error) as raised:
        adapt(AdaptOrder(sources["small"], folder, tmp_path / "pair"))
    assert words in str(raised.value)
    assert isinstance(raised.value, WorkbenchError)
    assert not (tmp_path / "pair").exists()


def test_missing_folders_and_taken_outputs_are_refused(sources, tmp_path: Path) -> None:
    with pytest.raises(UnknownCheckpointError, match="decoder"):
        adapt(AdaptOrder(sources["small"], tmp_path / "nothing", tmp_path / "pair"))
    (tmp_path / "pair").mkdir()
    (tmp_path / "pair" / "mine.txt").write_text("kept")
    with pytest.raises(InputError, match="exists already"):
        adapt(order(sources, "small", "small", tmp_path / "pair"))
    assert (tmp_path / "pair" / "mine.txt").read_text() == "kept"
