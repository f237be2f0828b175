"""LoRA: low-rank changes alone are trained, and the stored weights are plain ones with the changes added."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import T5GemmaForConditionalGeneration

from t5gemma_app.errors import InputError
from t5gemma_app.training import adapters
from t5gemma_app.training.adapters import add_adapters
from t5gemma_app.training.data.reading import DataOrder
from t5gemma_app.training.finetune import FinetuneOrder, finetune
from t5gemma_app.training.heads import load_for_training
from t5gemma_app.training.machine import Machine
from t5gemma_app.training.plan import Plan
from t5gemma_app.training.saving import save_model
from tests.training.rows import opinions, write_rows

PLAN = Plan(epochs=3, batch_rows=12, rate=5e-3, lora_rank=4, lora_alpha=8)


def test_without_the_library_the_message_says_what_to_install(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapters.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install peft"):
        add_adapters(load_for_training(base, "text", (), 0.0, 0), PLAN)


def test_the_stored_weights_answer_as_the_adapted_model_does(base: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    model = load_for_training(base, "text", (), 0.0, 0).eval()
    add_adapters(model, PLAN)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_" in name:
                weight.normal_(0, 0.2)
    save_model(model, "text", tmp_path / "made", base)
    stored = T5GemmaForConditionalGeneration.from_pretrained(tmp_path / "made", dtype=torch.float32).eval()
    ids = torch.tensor([[2, 20, 30, 40]])
    with torch.inference_mode():
        expected = model(input_ids=ids, decoder_input_ids=ids).logits
        found = stored(input_ids=ids, decoder_input_ids=ids).logits
        before = load_for_training(base, "text", (), 0.0, 0).eval()(input_ids=ids, decoder_input_ids=ids).logits
    assert (found - expected).abs().max() < 0.1 * (expected - before).abs().max()


def test_a_run_with_adapters_goes_on_and_changes_matrices_of_layers_only(base: Path, tmp_path: Path) -> None:
    pytest.importorskip("peft")
    rows = write_rows(tmp_path / "rows.jsonl", opinions(60))
    asked = FinetuneOrder(
        base, "tiny", tmp_path / "whole", DataOrder("classify", (str(rows),)), PLAN, Machine(cpu=True)
    )
    whole = finetune(asked)
    stopped = replace(asked, output=tmp_path / "stopped")
    assert finetune(stopped, stop_after=6) is None
    assert finetune(stopped).scores == whole.scores  # type: ignore[union-attr]
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "stopped"))
    assert all(torch.equal(one[name], two[name]) for name in one)
    source = load_file(base / "model.safetensors")
    changed = {name for name in one if name in source and not torch.equal(one[name], source[name].bfloat16())}
    assert changed == {name for name in one if "_proj" in name and not name.startswith("score")}
