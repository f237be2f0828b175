from __future__ import annotations

import torch

from t5gemma_app.checkpoints.placement import Device, DeviceFacts
from t5gemma_app.engine import attention
from t5gemma_app.engine.attention import register_attention
from t5gemma_app.engine.devices import probe_devices
from t5gemma_app.engine.doctor import CASES, check_kernels

register_attention()
CPU = Device("cpu", "cpu", "a processor", 10**10, 10**10, bfloat16=True)


def test_every_kernel_is_reported():
    state = torch.get_rng_state()
    reports = {report.name: report for report in check_kernels(DeviceFacts((CPU,)), CPU)}
    assert torch.equal(state, torch.get_rng_state())
    assert list(reports) == ["eager", "sdpa", "flash_attention_2", "flash_attention_3"]
    assert set(reports["sdpa"].largest_error) == set(CASES)
    assert max(reports["sdpa"].largest_error.values()) < 1e-3
    assert reports["sdpa"].reason == "agrees with eager"
    assert reports["sdpa"].milliseconds > 0
    assert not reports["flash_attention_2"].available
    assert "CUDA" in reports["flash_attention_2"].reason


def test_a_kernel_that_drops_the_cap_is_caught(monkeypatch):
    exact = attention._tile

    def uncapped(query, key, value, mask, scaling, softcap, groups):
        return exact(query, key, value, mask, scaling, 1e9, groups)

    monkeypatch.setattr(attention, "_tile", uncapped)
    reports = {report.name: report for report in check_kernels(DeviceFacts((CPU,)), CPU)}
    assert min(reports["sdpa"].largest_error.values()) > 0.05
    assert "differs from eager" in reports["sdpa"].reason


def test_this_machine_has_a_cpu_with_memory():
    facts = probe_devices()
    cpu = facts.devices[-1]
    assert (cpu.kind, cpu.name) == ("cpu", "cpu")
    assert 0 < cpu.free_bytes <= cpu.total_bytes
    assert facts.threads >= 1
