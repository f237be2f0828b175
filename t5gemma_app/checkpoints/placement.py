"""Where a checkpoint runs: device, number format and attention, each with its reason.

Pure decisions over facts that the engine probed; refuses to know torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from t5gemma_app.errors import PlacementError, TooBigError

FLASH = ("flash_attention_3", "flash_attention_2")
DTYPE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
GB = 1e9


@dataclass(frozen=True, slots=True)
class Device:
    """A device as it was probed."""

    name: str
    """torch's name: `cpu`, `cuda:0`, `mps`."""
    kind: str
    """`cpu`, `cuda` or `mps`."""
    label: str
    """The hardware in words."""
    total_bytes: int
    free_bytes: int
    bfloat16: bool
    """Whether bfloat16 is computed natively."""
    capability: tuple[int, int] | None = None
    """CUDA compute capability."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """An installed attention kernel."""

    name: str
    """transformers' name of the implementation, such as `flash_attention_2`."""
    version: str
    softcap: bool
    """Whether this build's function takes `softcap`."""


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What the machine has; the only input that placement takes from outside."""

    devices: tuple[Device, ...]
    kernels: tuple[Kernel, ...] = ()
    flex: bool = False
    """Whether torch's flex attention can be compiled for CUDA here."""
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Wish:
    """What the owner asked for; `auto` leaves the choice to the rules."""

    device: str = "auto"
    dtype: str = "auto"
    attention: str = "auto"


@dataclass(frozen=True, slots=True)
class Need:
    """What a checkpoint asks of a device."""

    bytes_by_dtype: dict[str, int]
    """Peak memory for each number format: weights, caches and logits."""
    softcap: bool
    """Whether any attention layer caps its logits."""
    flash_family: bool
    """Whether transformers offers FlashAttention for this family."""
    head_dim: int
    padded_teacher_forcing: bool = False
    """Whether padded batches are scored in one pass, which FlashAttention gets wrong in cross-attention."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one thing was chosen."""

    subject: str
    """`device`, `dtype` or `attention`."""
    choice: str
    because: str


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and how a checkpoint runs."""

    device: str
    dtype: str
    attention: str
    """`flash_attention_3`, `flash_attention_2`, `sdpa` (our softcap-exact one) or `eager`."""
    spread: bool = False
    """Whether the layers are spread over several devices by accelerate."""
    reasons: tuple[Reason, ...] = field(default=())

    def sentence(self) -> str:
        """Return the placement in one line, as the header shows it."""
        where = f"{self.device} and others" if self.spread else self.device
        return f"{where} · {self.dtype} · {self.attention.replace('_', ' ')}"


def choose_placement(facts: DeviceFacts, need: Need, wish: Wish) -> Placement:
    """Choose device, dtype and attention.

    Raises:
        PlacementError: A wish can't be met; the message names the alternatives.
        TooBigError: Nothing here has enough memory; the message has the numbers.
    """
    devices, spread, device_reason = _choose_device(facts, need, wish)
    device = devices[0]
    dtype, dtype_reason = _choose_dtype(device, wish)
    size = need.bytes_by_dtype[dtype]
    room = sum(d.free_bytes for d in devices)
    if size > room:
        raise TooBigError(
            f"The checkpoint needs {size / GB:.1f} GB in {dtype}; {device.label} has {room / GB:.1f} GB free.",
            remedy="Choose a smaller one, a 16-bit dtype, or a machine with more memory.",
        )
    attention, attention_reason = _choose_attention(facts, device, dtype, need, wish)
    return Placement(
        device=device.name,
        dtype=dtype,
        attention=attention,
        spread=spread,
        reasons=(
            Reason("device", "several" if spread else device.name, device_reason),
            Reason("dtype", dtype, dtype_reason),
            Reason("attention", attention, attention_reason),
        ),
    )


def _choose_device(facts: DeviceFacts, need: Need, wish: Wish) -> tuple[tuple[Device, ...], bool, str]:
    if wish.device != "auto":
        wanted = "cuda:0" if wish.device == "cuda" else wish.device
        for device in facts.devices:
            if device.name == wanted:
                return (device,), False, "set by T5GEMMA_DEVICE"
        names = ", ".join(d.name for d in facts.devices)
        raise PlacementError(f"The device {wish.device!r} is not here.", expected=f"There is {names}.")
    gpus = sorted((d for d in facts.devices if d.kind == "cuda"), key=lambda d: -d.free_bytes)
    if gpus:
        best = gpus[0]
        size = need.bytes_by_dtype[_choose_dtype(best, wish)[0]]
        if size <= best.free_bytes:
            among = f"the GPU with most free memory of {len(gpus)}" if len(gpus) > 1 else "the only GPU"
            return (best,), False, f"{among}: {best.label}, {best.free_bytes / GB:.1f} GB free"
        if size <= sum(g.free_bytes for g in gpus):
            return tuple(gpus), True, f"{size / GB:.1f} GB fit on no single GPU; spread over {len(gpus)} by accelerate"
        why_not = f"the GPU is too small ({size / GB:.1f} GB needed, {best.free_bytes / GB:.1f} GB free)"
    else:
        why_not = "no GPU is here"
    for device in facts.devices:
        if device.kind == "mps" and need.bytes_by_dtype["float32"] <= device.free_bytes:
            return (device,), False, f"{why_not}, but Apple's is"
    for device in facts.devices:
        if device.kind == "cpu":
            return (device,), False, f"{why_not}; {device.label}, {facts.threads} threads"
    raise PlacementError("No device was found.", expected="torch reports at least a CPU.")


def _choose_dtype(device: Device, wish: Wish) -> tuple[str, str]:
    if wish.dtype != "auto":
        if wish.dtype == "bfloat16" and not device.bfloat16 and device.kind != "cpu":
            raise PlacementError(
                f"{device.label} does not compute bfloat16.",
                expected="It takes float32 or float16.",
                remedy="Set T5GEMMA_DTYPE to one of them, or to auto.",
            )
        return wish.dtype, "set by T5GEMMA_DTYPE"
    if device.kind == "cuda" and device.bfloat16:
        return "bfloat16", "the weights' own format, native on this GPU"
    if device.kind == "cuda":
        return "float32", "this GPU lacks bfloat16, and float16 overflows in Gemma's residual stream"
    return "float32", f"exact, and no slower than 16 bits on {device.kind}"


def _choose_attention(facts: DeviceFacts, device: Device, dtype: str, need: Need, wish: Wish) -> tuple[str, str]:
    refusals = {name: _why_no_flash(name, facts, device, dtype, need) for name in FLASH}
    if wish.attention in FLASH:
        refusal = refusals[wish.attention]
        if refusal:
            usable = [name for name in FLASH if not refusals[name]] + ["sdpa", "eager"]
            raise PlacementError(
                f"{wish.attention} can't be used: {refusal}.",
                expected=f"Possible here: {', '.join(usable)}.",
                remedy="Set T5GEMMA_ATTENTION to one of them, or to auto.",
            )
        return wish.attention, "set by T5GEMMA_ATTENTION"
    if wish.attention != "auto":
        return wish.attention, "set by T5GEMMA_ATTENTION"
    for name in FLASH:
        if not refusals[name]:
            return name, "installed, takes the softcap, half precision on CUDA"
    return "sdpa", f"exact with the softcap; no FlashAttention: {refusals['flash_attention_2']}"


def _why_no_flash(name: str, facts: DeviceFacts, device: Device, dtype: str, need: Need) -> str:
    """Return why a FlashAttention kernel can't serve, or an empty string when it can."""
    kernel = next((k for k in facts.kernels if k.name == name), None)
    checks = (
        (device.kind == "cuda", f"it needs a CUDA device, this is {device.kind}"),
        (need.flash_family, "transformers does not offer it for T5Gemma 2"),
        (dtype != "float32", "it computes in 16 bits only, the weights are float32"),
        (kernel is not None, "it is not installed"),
        (kernel is None or not need.softcap or kernel.softcap, "the installed build does not take the softcap"),
        (need.head_dim <= 256, f"its largest head is 256, this one has {need.head_dim}"),
        (device.capability is None or device.capability >= (8, 0), "it needs compute capability 8.0 or newer"),
        (
            name != "flash_attention_3" or device.capability is None or device.capability[0] == 9,
            "it is built for Hopper GPUs",
        ),
        (not need.padded_teacher_forcing, "padded batches in one pass come out wrong in its cross-attention"),
    )
    return next((why for fine, why in checks if not fine), "")
