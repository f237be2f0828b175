from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import T5GemmaForSequenceClassification

from t5gemma_app.errors import BrokenCheckpointError, CheckpointError, UnsupportedCheckpointError
from t5gemma_app.training.heads import load_for_training
from t5gemma_app.training.saving import save_model
from tests.tiny import save_tiny, tiny_head
from tests.training.gemmas import save_gemma


def test_a_generators_encoder_gets_a_new_head_that_the_seed_decides(base: Path) -> None:
    models = [load_for_training(base, "sequence", ("a", "b", "c"), 0.1, seed) for seed in (1, 1, 2)]
    weights = load_file(base / "model.safetensors")
    own = models[0].state_dict()
    assert torch.equal(
        own["model.encoder.layers.0.mlp.up_proj.weight"], weights["model.encoder.layers.0.mlp.up_proj.weight"]
    )
    assert not any("decoder" in name for name in own)
    heads = [model.score.out_proj.weight for model in models]
    assert heads[0].shape == (3, 64) and torch.equal(heads[0], heads[1]) and not torch.equal(heads[0], heads[2])
    assert models[0].config.id2label == {0: "a", 1: "b", 2: "c"}
    assert models[0].model.encoder.dropout.p == models[0].score.dropout.p == 0.1


def test_a_head_for_the_same_labels_is_kept_and_another_replaced(tmp_path: Path) -> None:
    save_tiny(tmp_path / "head", tiny_head())
    stored = load_file(tmp_path / "head" / "model.safetensors")["score.out_proj.weight"]
    kept = load_for_training(tmp_path / "head", "sequence", ("x", "y", "z"), 0.0, 0)
    assert torch.equal(kept.score.out_proj.weight, stored)
    other = load_for_training(tmp_path / "head", "sequence", ("x", "y"), 0.0, 0)
    assert other.score.out_proj.weight.shape == (2, 64)


def test_saving_rounds_to_bfloat16_and_transformers_loads_it(base: Path, tmp_path: Path) -> None:
    model = load_for_training(base, "sequence", ("a", "b"), 0.1, 1).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    save_model(model, "sequence", tmp_path / "saved", base, shard_bytes=50_000)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    loaded, report = T5GemmaForSequenceClassification.from_pretrained(tmp_path / "saved", output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
    assert loaded.dtype == torch.bfloat16 and loaded.config.id2label == {0: "a", 1: "b"}
    assert all(torch.equal(value, before[name].bfloat16()) for name, value in loaded.state_dict().items())
    assert (tmp_path / "saved" / "tokenizer.json").is_file()
    assert load_for_training(tmp_path / "saved", "sequence", ("a", "b"), 0.0, 0).dtype == torch.float32


def test_a_decoder_only_model_is_loaded_and_saved(tmp_path: Path) -> None:
    save_gemma(tmp_path / "gemma")
    model = load_for_training(tmp_path / "gemma", "causal", (), 0.0, 0)
    save_model(model, "causal", tmp_path / "saved", tmp_path / "gemma")
    again = load_for_training(tmp_path / "saved", "causal", (), 0.0, 0)
    assert all(
        torch.equal(value.bfloat16().float(), again.state_dict()[name]) for name, value in model.state_dict().items()
    )
    assert (tmp_path / "saved" / "generation_config.json").is_file()


def test_what_cannot_be_trained_is_refused(base: Path, tmp_path: Path) -> None:
    save_tiny(tmp_path / "head", tiny_head())
    with pytest.raises(UnsupportedCheckpointError, match="writes no words"):
        load_for_training(tmp_path / "head", "text", (), 0.0, 0)
    with pytest.raises(CheckpointError):
        load_for_training(base, "causal", (), 0.0, 0)
    cut = Path(shutil.copytree(base, tmp_path / "cut"))
    config = json.loads((cut / "config.json").read_text())
    config["encoder"]["num_hidden_layers"] += 1
    config["encoder"]["layer_types"].append("full_attention")
    (cut / "config.json").write_text(json.dumps(config))
    with pytest.raises(BrokenCheckpointError, match="missing"):
        load_for_training(cut, "sequence", ("a", "b"), 0.0, 0)
