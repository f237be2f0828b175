"""Placement over machines that nobody here has: every rule of it is a decision over values."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.checkpoints.placement import (
    Device,
    DeviceFacts,
    Kernel,
    Need,
    Placement,
    Wish,
    choose_placement,
)
from t5gemma_app.errors import PlacementError, TooBigError

GB = 10**9

CPU = Device("cpu", "cpu", "AMD EPYC", 16 * GB, 14 * GB, bfloat16=True)
A100 = Device("cuda:0", "cuda", "NVIDIA A100-SXM4-40GB", 40 * GB, 39 * GB, bfloat16=True, capability=(8, 0))
H100 = Device("cuda:0", "cuda", "NVIDIA H100 80GB HBM3", 80 * GB, 79 * GB, bfloat16=True, capability=(9, 0))
B200 = Device("cuda:0", "cuda", "NVIDIA B200", 180 * GB, 178 * GB, bfloat16=True, capability=(10, 0))
T4 = Device("cuda:0", "cuda", "Tesla T4", 16 * GB, 15 * GB, bfloat16=False, capability=(7, 5))
APPLE = Device("mps", "mps", "Apple GPU", 16 * GB, 12 * GB, bfloat16=True)

FLASH_2 = Kernel("flash_attention_2", "2.8.3", softcap=True)
FLASH_2_OLD = Kernel("flash_attention_2", "2.5.9", softcap=False)
FLASH_3 = Kernel("flash_attention_3", "3.0.0", softcap=True)
FLASH_3_NO_CAP = Kernel("flash_attention_3", "3.0.0", softcap=False)


def need(gigabytes: float = 2.0, **changes: object) -> Need:
    """A checkpoint that takes so much in float32 and half of it in 16 bits."""
    full = int(gigabytes * GB)
    values = {"softcap": True, "flash_family": True, "head_dim": 256, **changes}
    return Need({"float32": full, "bfloat16": full // 2, "float16": full // 2}, **values)  # type: ignore[arg-type]


SMALL = need()
T5GEMMA_2 = need(softcap=False, flash_family=False)


def machine(*devices: Device, kernels: tuple[Kernel, ...] = ()) -> DeviceFacts:
    return DeviceFacts((*devices, CPU), kernels, threads=2)


def because(placement: Placement, subject: str) -> str:
    return next(reason.because for reason in placement.reasons if reason.subject == subject)


@pytest.mark.parametrize(
    ("facts", "wanted", "expected"),
    [
        pytest.param(machine(), SMALL, ("cpu", "float32", "sdpa"), id="no-gpu"),
        pytest.param(machine(A100), SMALL, ("cuda:0", "bfloat16", "sdpa"), id="a100-without-flash"),
        pytest.param(
            machine(A100, kernels=(FLASH_2,)), SMALL, ("cuda:0", "bfloat16", "flash_attention_2"), id="a100-flash"
        ),
        pytest.param(machine(A100, kernels=(FLASH_2_OLD,)), SMALL, ("cuda:0", "bfloat16", "sdpa"), id="no-softcap"),
        pytest.param(
            machine(A100, kernels=(FLASH_3,)), SMALL, ("cuda:0", "bfloat16", "sdpa"), id="flash-3-is-for-hopper"
        ),
        pytest.param(
            machine(H100, kernels=(FLASH_2, FLASH_3)), SMALL, ("cuda:0", "bfloat16", "flash_attention_3"), id="hopper"
        ),
        pytest.param(
            machine(H100, kernels=(FLASH_2, FLASH_3_NO_CAP)),
            SMALL,
            ("cuda:0", "bfloat16", "flash_attention_2"),
            id="hopper-whose-flash-3-lacks-softcap",
        ),
        pytest.param(
            machine(B200, kernels=(FLASH_2, FLASH_3)),
            SMALL,
            ("cuda:0", "bfloat16", "flash_attention_2"),
            id="blackwell",
        ),
        pytest.param(machine(T4, kernels=(FLASH_2,)), SMALL, ("cuda:0", "float32", "sdpa"), id="t4"),
        pytest.param(machine(A100, kernels=(FLASH_2,)), T5GEMMA_2, ("cuda:0", "bfloat16", "sdpa"), id="t5gemma-2"),
        pytest.param(
            machine(A100, kernels=(FLASH_2,)),
            replace(SMALL, padded_teacher_forcing=True),
            ("cuda:0", "bfloat16", "sdpa"),
            id="padded-scoring",
        ),
        pytest.param(
            machine(A100, kernels=(FLASH_2,)),
            replace(SMALL, head_dim=512),
            ("cuda:0", "bfloat16", "sdpa"),
            id="wide-head",
        ),
        pytest.param(machine(APPLE), SMALL, ("mps", "float32", "sdpa"), id="mps"),
        pytest.param(machine(APPLE), need(20), ("mps", "bfloat16", "sdpa"), id="mps-short-of-memory"),
        pytest.param(machine(), need(22), ("cpu", "bfloat16", "sdpa"), id="cpu-short-of-memory"),
        pytest.param(machine(T4), need(24), ("cpu", "bfloat16", "sdpa"), id="gpu-too-small"),
    ],
)
def test_what_the_rules_choose(facts: DeviceFacts, wanted: Need, expected: tuple[str, str, str]) -> None:
    placement = choose_placement(facts, wanted, Wish())
    assert (placement.device, placement.dtype, placement.attention) == expected
    assert not placement.spread
    assert [reason.subject for reason in placement.reasons] == ["device", "dtype", "attention"]
    assert all(reason.because for reason in placement.reasons)


@pytest.mark.parametrize(
    ("facts", "wanted", "subject", "words"),
    [
        (machine(), SMALL, "device", "no GPU is here; AMD EPYC, 2 threads"),
        (machine(A100), SMALL, "device", "the only GPU: NVIDIA A100-SXM4-40GB, 39.0 GB free"),
        (machine(T4), need(24), "device", "Tesla T4 has 15.0 GB and 24.0 GB are needed in float32; AMD EPYC"),
        (machine(), need(22), "dtype", "float32 takes 22.0 GB and 14.0 GB are free"),
        (machine(T4), SMALL, "dtype", "float16 overflows"),
        (machine(A100), SMALL, "attention", "not installed"),
        (machine(A100, kernels=(FLASH_2_OLD,)), SMALL, "attention", "does not take the softcap"),
        (machine(A100, kernels=(FLASH_2,)), T5GEMMA_2, "attention", "not offer it for T5Gemma 2"),
        (machine(A100, kernels=(FLASH_2,)), T5GEMMA_2, "attention", "no softcap to keep"),
        (machine(T4, kernels=(FLASH_2,)), SMALL, "attention", "16 bits only"),
        (
            machine(A100, kernels=(FLASH_2,)),
            replace(SMALL, padded_teacher_forcing=True),
            "attention",
            "padded batches in one pass",
        ),
    ],
)
def test_why_it_was_chosen(facts: DeviceFacts, wanted: Need, subject: str, words: str) -> None:
    assert words in because(choose_placement(facts, wanted, Wish()), subject)


SECOND = replace(A100, name="cuda:1", free_bytes=38 * GB)


def test_the_gpu_with_most_free_memory_is_taken() -> None:
    busy = replace(A100, free_bytes=5 * GB)
    placement = choose_placement(machine(busy, SECOND), SMALL, Wish())
    assert placement.device == "cuda:1"
    assert "most free memory of 2" in because(placement, "device")


def test_what_fits_on_no_single_gpu_is_spread() -> None:
    placement = choose_placement(machine(A100, SECOND, kernels=(FLASH_2,)), need(100), Wish())
    assert (placement.spread, placement.dtype, placement.attention) == (True, "bfloat16", "flash_attention_2")
    assert "spread over 2 GPUs" in because(placement, "device")
    assert placement.sentence() == "cuda:0 and others · bfloat16 · flash attention 2"


def test_the_weakest_gpu_decides_when_layers_are_spread() -> None:
    old = replace(T4, name="cuda:1")
    placement = choose_placement(machine(A100, old, kernels=(FLASH_2,)), need(80), Wish(dtype="float16", device="cuda"))
    assert placement.spread
    assert placement.attention == "sdpa"
    with pytest.raises(PlacementError, match="does not compute bfloat16"):
        choose_placement(machine(A100, old), need(80), Wish(dtype="bfloat16", device="cuda"))


@pytest.mark.parametrize(
    ("facts", "wish", "expected"),
    [
        (machine(A100), Wish(device="cpu"), ("cpu", "float32", "sdpa")),
        (machine(A100, SECOND), Wish(device="cuda:1"), ("cuda:1", "bfloat16", "sdpa")),
        (machine(A100, SECOND), Wish(device="cuda"), ("cuda:0", "bfloat16", "sdpa")),
        (machine(A100, kernels=(FLASH_2,)), Wish(dtype="float32"), ("cuda:0", "float32", "sdpa")),
        (machine(), Wish(dtype="bfloat16"), ("cpu", "bfloat16", "sdpa")),
        (machine(T4), Wish(dtype="float16"), ("cuda:0", "float16", "sdpa")),
        (machine(A100, kernels=(FLASH_2,)), Wish(attention="eager"), ("cuda:0", "bfloat16", "eager")),
        (machine(A100, kernels=(FLASH_2,)), Wish(attention="sdpa"), ("cuda:0", "bfloat16", "sdpa")),
        (
            machine(H100, kernels=(FLASH_2, FLASH_3)),
            Wish(attention="flash_attention_2"),
            ("cuda:0", "bfloat16", "flash_attention_2"),
        ),
    ],
)
def test_wishes_are_honoured(facts: DeviceFacts, wish: Wish, expected: tuple[str, str, str]) -> None:
    placement = choose_placement(facts, SMALL, wish)
    assert (placement.device, placement.dtype, placement.attention) == expected
    for subject in ("device", "dtype", "attention"):
        wished = getattr(wish, subject)
        assert (because(placement, subject).startswith("set by")) == (wished not in ("auto", "cuda"))


@pytest.mark.parametrize(
    ("facts", "wish", "words"),
    [
        (machine(), Wish(device="cuda"), ("'cuda' is not here", "auto, cpu")),
        (machine(A100), Wish(device="cuda:3"), ("'cuda:3' is not here", "auto, cuda:0, cpu")),
        (machine(T4), Wish(dtype="bfloat16"), ("Tesla T4 does not compute bfloat16", "float32 or float16")),
        (machine(), Wish(attention="flash_attention_2"), ("needs a CUDA device", "sdpa, eager")),
        (machine(A100), Wish(attention="flash_attention_2"), ("not installed", "sdpa, eager")),
        (
            machine(A100, kernels=(FLASH_2, FLASH_3)),
            Wish(attention="flash_attention_3"),
            ("Hopper", "flash_attention_2, sdpa, eager"),
        ),
        (
            machine(A100, kernels=(FLASH_2_OLD,)),
            Wish(attention="flash_attention_2"),
            ("does not take the softcap", "sdpa, eager"),
        ),
        (
            machine(A100, kernels=(FLASH_2,)),
            Wish(attention="flash_attention_2", dtype="float32"),
            ("16 bits only", "sdpa, eager"),
        ),
    ],
)
def test_wishes_are_refused_with_the_alternatives(facts: DeviceFacts, wish: Wish, words: tuple[str, ...]) -> None:
    with pytest.raises(PlacementError) as caught:
        choose_placement(facts, SMALL, wish)
    for word in words:
        assert word in str(caught.value)


def test_too_big_says_every_number() -> None:
    with pytest.raises(TooBigError) as caught:
        choose_placement(machine(T4), need(81.3), Wish())
    for words in ("Tesla T4 has 15.0 GB", "81.3 GB", "AMD EPYC has 14.0 GB", "40.6 GB are needed in bfloat16"):
        assert words in str(caught.value)


def test_too_big_on_the_device_that_was_asked_for_goes_nowhere_else() -> None:
    with pytest.raises(TooBigError, match="A100"):
        choose_placement(machine(A100), need(90), Wish(device="cuda"))


def test_too_big_in_float32_tells_of_bfloat16() -> None:
    with pytest.raises(TooBigError, match=r"In bfloat16 it takes 10\.0 GB"):
        choose_placement(machine(), need(20), Wish(dtype="float32"))


@given(
    size=st.floats(0.01, 300),
    gpus=st.lists(st.sampled_from([A100, H100, T4, B200]), max_size=3),
    kernels=st.sets(st.sampled_from([FLASH_2, FLASH_3])),
    flash_family=st.booleans(),
)
def test_whatever_is_chosen_fits_and_is_exact(
    size: float, gpus: list[Device], kernels: set[Kernel], flash_family: bool
) -> None:
    numbered = [replace(gpu, name=f"cuda:{index}") for index, gpu in enumerate(gpus)]
    facts = machine(*numbered, kernels=tuple(kernels))
    wanted = need(size, flash_family=flash_family)
    try:
        placement = choose_placement(facts, wanted, Wish())
    except TooBigError:
        assert wanted.bytes_by_dtype["bfloat16"] > CPU.free_bytes
        return
    used = [device for device in facts.devices if device.name == placement.device]
    if placement.spread:
        used = numbered
    assert wanted.bytes_by_dtype[placement.dtype] <= sum(device.free_bytes for device in used)
    assert placement.dtype != "float16"
    if placement.attention.startswith("flash"):
        assert flash_family
        assert placement.dtype == "bfloat16"
        assert any(kernel.name == placement.attention and kernel.softcap for kernel in kernels)
