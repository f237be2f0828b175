"""Checks every attention kernel against eager on a small model with strong, capped logits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor
from transformers import T5GemmaConfig, T5GemmaForConditionalGeneration, T5GemmaModuleConfig

from t5gemma_app.checkpoints.placement import FLASH, Device, DeviceFacts
from t5gemma_app.engine.attention import transformers_name
from t5gemma_app.engine.types import KernelReport

VOCABULARY = 512
# Long enough that the sliding layers hide something, short enough for a second on two cores.
LENGTHS = (96, 61, 33, 80)
WINDOW = 24
REPEATS = 3
# The probe's logits are of the order of 1; in 16 bits a value has about three digits.
TOLERANCE = {torch.float32: 5e-3, torch.bfloat16: 0.25, torch.float16: 0.1}

Case = Callable[[Any, "_Probe"], Tensor]


@dataclass(frozen=True, slots=True)
class _Probe:
    """The same inputs for every kernel."""

    ids: Tensor
    """[rows, longest]"""
    mask: Tensor
    """[rows, longest]"""
    answers: Tensor
    """[rows, answer tokens]"""


def check_kernels(facts: DeviceFacts, device: Device) -> tuple[KernelReport, ...]:
    """Run every kernel that can run on the device, and say of the others why they can't."""
    dtype = torch.bfloat16 if device.kind == "cuda" and device.bfloat16 else torch.float32
    model, probe = _model(device.name, dtype), _probe(device.name)
    model.set_attn_implementation("eager")
    expected = {name: case(model, probe) for name, case in CASES.items()}
    baseline = _milliseconds(model, probe, device)
    reports = []
    for name in ("eager", "sdpa", *reversed(FLASH)):
        refusal = _refusal(name, facts, device)
        if refusal:
            reports.append(KernelReport(name, False, refusal, device.name, _word(dtype)))
            continue
        try:
            model.set_attn_implementation(transformers_name(name))
            errors = {
                case: float((run(model, probe).float() - expected[case].float()).abs().max())
                for case, run in CASES.items()
            }
            spent = _milliseconds(model, probe, device)
        except (ImportError, RuntimeError, ValueError) as error:
            # A kernel that is installed and yet fails is exactly what doctor is asked to find.
            reports.append(KernelReport(name, False, f"it failed: {error}", device.name, _word(dtype)))
            continue
        reports.append(
            KernelReport(name, True, _remark(name, errors, dtype), device.name, _word(dtype), errors, spent, baseline)
        )
    return tuple(reports)


def _refusal(name: str, facts: DeviceFacts, device: Device) -> str:
    if name not in FLASH:
        return ""
    if device.kind != "cuda":
        return f"needs a CUDA device; this is {device.kind}"
    kernel = next((k for k in facts.kernels if k.name == name), None)
    if kernel is None:
        return "is not installed"
    return "" if kernel.softcap else f"version {kernel.version} does not take the softcap"


def _remark(name: str, errors: dict[str, float], dtype: torch.dtype) -> str:
    if name == "eager":
        return "the reference"
    if name in FLASH and errors["teacher forcing"] > 10 * max(errors["encoder"], 1e-3):
        return "right for generation; wrong for padded batches in one pass, where the app uses sdpa"
    tolerance = TOLERANCE[dtype]
    largest = max(errors.values())
    return "agrees with eager" if largest <= tolerance else f"differs from eager by up to {largest:.3g}"


def _word(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _model(device: str, dtype: torch.dtype) -> Any:
    def stack(layers: int, hidden: int) -> T5GemmaModuleConfig:
        return T5GemmaModuleConfig(
            vocab_size=VOCABULARY,
            hidden_size=hidden,
            intermediate_size=2 * hidden,
            num_hidden_layers=layers,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=64,
            query_pre_attn_scalar=64,
            sliding_window=WINDOW,
            max_position_embeddings=512,
        )

    # Seeding must not change what others draw, so the generator's state is put back.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = T5GemmaConfig(encoder=stack(4, 256), decoder=stack(2, 128), vocab_size=VOCABULARY)
        model = T5GemmaForConditionalGeneration(config)
        for name, weight in model.named_parameters():
            if "q_proj" in name or "k_proj" in name:
                # Large enough that the cap bends the logits; without this a kernel that drops it would pass.
                weight.data.mul_(20.0)
    return model.to(device=device, dtype=dtype).eval()


def _probe(device: str) -> _Probe:
    generator = torch.Generator().manual_seed(1)
    width = max(LENGTHS)
    ids = torch.randint(3, VOCABULARY, (len(LENGTHS), width), generator=generator)
    mask = (torch.arange(width)[None] < torch.tensor(LENGTHS)[:, None]).long()
    answers = torch.randint(3, VOCABULARY, (len(LENGTHS), 40), generator=generator)
    return _Probe((ids * mask).to(device), mask.to(device), answers.to(device))


@torch.inference_mode()
def _encoder(model: Any, probe: _Probe) -> Tensor:
    hidden: Tensor = model.get_encoder()(probe.ids[:1], attention_mask=probe.mask[:1]).last_hidden_state
    return hidden


@torch.inference_mode()
def _padded(model: Any, probe: _Probe) -> Tensor:
    hidden: Tensor = model.get_encoder()(probe.ids, attention_mask=probe.mask).last_hidden_state
    return hidden * probe.mask[..., None]


@torch.inference_mode()
def _teacher_forcing(model: Any, probe: _Probe) -> Tensor:
    logits: Tensor = model(
        input_ids=probe.ids, attention_mask=probe.mask, decoder_input_ids=probe.answers, use_cache=False
    ).logits
    return logits


@torch.inference_mode()
def _single_step(model: Any, probe: _Probe) -> Tensor:
    encoded = model.get_encoder()(probe.ids, attention_mask=probe.mask)
    cache, logits = None, []
    for step in range(WINDOW + 8):
        output = model(
            encoder_outputs=encoded,
            attention_mask=probe.mask,
            decoder_input_ids=probe.answers[:, step : step + 1],
            past_key_values=cache,
            use_cache=True,
        )
        cache = output.past_key_values
        logits.append(output.logits)
    return torch.cat(logits, dim=1)


CASES: dict[str, Case] = {
    "encoder": _encoder,
    "padded batch": _padded,
    "teacher forcing": _teacher_forcing,
    "single step": _single_step,
}


def _milliseconds(model: Any, probe: _Probe, device: Device) -> float:
    times = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        _teacher_forcing(model, probe)
        if device.kind == "cuda":
            torch.cuda.synchronize()
        times.append((time.perf_counter() - start) * 1e3)
    return median(times[1:])
