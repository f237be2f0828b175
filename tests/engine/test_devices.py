from __future__ import annotations

import sys

import pytest
import torch

from t5gemma_app.engine.devices import multiplies_bfloat16, probe_devices, processor


def test_the_processor_is_the_last_device_and_has_a_name() -> None:
    device = probe_devices().devices[-1]
    assert (device.kind, device.label) == ("cpu", processor())
    assert device.label


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing says what the processor can")
def test_torch_finds_the_same_instructions_for_bfloat16() -> None:
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    assert multiplies_bfloat16() == native
