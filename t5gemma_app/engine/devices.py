"""Probes what the machine has; the only place that asks torch and the system about devices and kernels."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import inspect
import logging
import platform
from pathlib import Path
from typing import NamedTuple

import psutil
import torch

from t5gemma_app.checkpoints.placement import Device, DeviceFacts, Kernel

logger = logging.getLogger(__name__)

# (transformers' name, package, module, function) of each FlashAttention build that can be installed.
FLASH_PACKAGES = (
    ("flash_attention_2", "flash-attn", "flash_attn", "flash_attn_varlen_func"),
    ("flash_attention_3", "flash-attn-3", "flash_attn_interface", "flash_attn_varlen_func"),
)


def probe_devices() -> DeviceFacts:
    """Return the devices, the attention kernels and the CPU threads of this machine."""
    devices = [_cuda_device(index) for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        room = _memory_room()
        devices.append(Device("mps", "mps", "Apple GPU", room.total, room.free, bfloat16=True))
    room = _memory_room()
    devices.append(Device("cpu", "cpu", processor(), room.total, room.free, bfloat16=True))
    has_cuda = any(device.kind == "cuda" for device in devices)
    return DeviceFacts(
        devices=tuple(devices),
        kernels=_installed_kernels() if has_cuda else (),
        flex=has_cuda and importlib.util.find_spec("triton") is not None,
        threads=torch.get_num_threads(),
    )


def resident_bytes() -> int:
    """Return the memory this process holds now."""
    return int(psutil.Process().memory_info().rss)


def _cuda_device(index: int) -> Device:
    properties = torch.cuda.get_device_properties(index)
    free, total = torch.cuda.mem_get_info(index)
    return Device(
        name=f"cuda:{index}",
        kind="cuda",
        label=properties.name,
        total_bytes=total,
        free_bytes=free,
        bfloat16=torch.cuda.is_bf16_supported(including_emulation=False),
        capability=(properties.major, properties.minor),
    )


class _Room(NamedTuple):
    total: int
    free: int


def _memory_room() -> _Room:
    """Return total and free main memory: the machine's, or the container's where its limit is smaller."""
    machine = psutil.virtual_memory()
    total, free = int(machine.total), int(machine.available)
    limit, used = _number("/sys/fs/cgroup/memory.max"), _number("/sys/fs/cgroup/memory.current")
    if limit is not None and limit < total:
        total, free = limit, min(free, limit - (used or 0))
    return _Room(total, free)


def _number(path: str) -> int | None:
    """Read a cgroup file; None where it is missing or says `max`."""
    try:
        text = Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def processor() -> str:
    """Return the name that the processor gives itself, or the kind of it."""
    return _cpu_entry("model name") or platform.processor() or platform.machine() or "CPU"


def multiplies_bfloat16() -> bool:
    """Return whether the processor has instructions that multiply bfloat16, which take half the time of float32's."""
    return not {"avx512_bf16", "amx_bf16"}.isdisjoint(_cpu_entry("flags").split())


def _cpu_entry(name: str) -> str:
    """Return what Linux says of the first processor under a name; nothing elsewhere."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith(name):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return ""


def _installed_kernels() -> tuple[Kernel, ...]:
    kernels = []
    for name, package, module, function in FLASH_PACKAGES:
        if importlib.util.find_spec(module) is None:
            continue
        try:
            attend = getattr(importlib.import_module(module), function)
            version = importlib.metadata.version(package)
        except (ImportError, AttributeError, OSError, importlib.metadata.PackageNotFoundError) as error:
            # A build for another torch or CUDA fails only when it is imported; the app then goes on without it.
            logger.warning("%s is installed but can't be used: %s. Going on without it.", package, error)
            continue
        kernels.append(Kernel(name, version, softcap="softcap" in inspect.signature(attend).parameters))
    return tuple(kernels)
