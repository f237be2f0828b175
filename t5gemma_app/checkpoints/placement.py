"""Where a checkpoint runs: device, number format and attention, each with its reason.

Pure decisions over facts that the engine probed; refuses to know torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from t5gemma_app.errors import PlacementError, TooBigError

FLASH = ("flash_attention_3", "flash_attention_2")
DTYPE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
GB = 1e9

SPREAD_SHARE = 0.9
"""Share of several GPUs' memory that layers can fill; whole layers never fill each of them to the brim."""


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
    int8_layers: bool = False
    """Whether streamed answers are decoded by layers rounded to 8 bits, which is not exact; nothing else is."""
    reasons: tuple[Reason, ...] = field(default=())

    @property
    def arithmetic(self) -> str:
        """The number format of streamed answers."""
        return f"{self.dtype}, int8 layers" if self.int8_layers else self.dtype

    def sentence(self) -> str:
        """Return the placement in one line, as the header shows it."""
        where = f"{self.device} and others" if self.spread else self.device
        return f"{where} · {self.arithmetic} · {self.attention.replace('_', ' ')}"


def choose_placement(facts: DeviceFacts, need: Need, wish: Wish) -> Placement:
    """Choose device, dtype and attention.

    Raises:
        PlacementError: A wish can't be met; the message names the alternatives.
        TooBigError: Nothing here has enough memory; the message has the numbers.
    """
    sites = _sites(facts, wish)
    too_small: list[str] = []
    for site in sites:
        dtype, dtype_reason = _choose_dtype(site, need, wish)
        size = need.bytes_by_dtype[dtype]
        if size > site.room:
            too_small.append(f"{site.label} has {site.room / GB:.1f} GB and {size / GB:.1f} GB are needed in {dtype}")
            continue
        attention, attention_reason = _choose_attention(facts, site, dtype, need, wish)
        return Placement(
            device=site.devices[0].name,
            dtype=dtype,
            attention=attention,
            spread=site.spread,
            reasons=(
                Reason(
                    "device", "several" if site.spread else site.devices[0].name, _why(site, facts, wish, too_small)
                ),
                Reason("dtype", dtype, dtype_reason),
                Reason("attention", attention, attention_reason),
            ),
        )
    raise TooBigError(f"The checkpoint does not fit: {'; '.join(too_small)}.", remedy=_smaller(sites, need, wish))


@dataclass(frozen=True, slots=True)
class _Site:
    """One device, or all GPUs together."""

    devices: tuple[Device, ...]

    @property
    def spread(self) -> bool:
        return len(self.devices) > 1

    @property
    def kind(self) -> str:
        return self.devices[0].kind

    @property
    def label(self) -> str:
        return f"{len(self.devices)} GPUs together" if self.spread else self.devices[0].label

    @property
    def room(self) -> int:
        """Bytes a checkpoint may take here."""
        free = sum(device.free_bytes for device in self.devices)
        return int(free * SPREAD_SHARE) if self.spread else free

    @property
    def bfloat16(self) -> bool:
        return all(device.bfloat16 for device in self.devices)


def _sites(facts: DeviceFacts, wish: Wish) -> list[_Site]:
    """Return where a checkpoint may go, the best place first."""
    gpus = sorted((d for d in facts.devices if d.kind == "cuda"), key=lambda d: -d.free_bytes)
    together = [_Site((gpu,)) for gpu in gpus[:1]] + ([_Site(tuple(gpus))] if len(gpus) > 1 else [])
    others = [_Site((d,)) for kind in ("mps", "cpu") for d in facts.devices if d.kind == kind]
    if wish.device == "auto":
        sites = together + others
    elif wish.device == "cuda":
        sites = together
    else:
        sites = [_Site((device,)) for device in facts.devices if device.name == wish.device]
    if not sites:
        names = ", ".join(["auto", *(device.name for device in facts.devices)])
        raise PlacementError(f"The device {wish.device!r} is not here.", expected=f"T5GEMMA_DEVICE takes {names}.")
    return sites


def _why(site: _Site, facts: DeviceFacts, wish: Wish, too_small: list[str]) -> str:
    """Say why a site was chosen."""
    gpus = sum(device.kind == "cuda" for device in facts.devices)
    if wish.device not in ("auto", "cuda"):
        return "set by T5GEMMA_DEVICE"
    passed = f"{'; '.join(too_small)}; " if too_small else ""
    if site.spread:
        return f"{passed}spread over {gpus} GPUs by accelerate"
    if site.kind == "cuda":
        among = f"the GPU with most free memory of {gpus}" if gpus > 1 else "the only GPU"
        return f"{among}: {site.label}, {site.room / GB:.1f} GB free"
    nothing_better = passed or "no GPU is here; "
    return f"{nothing_better}{site.label}, {facts.threads} threads" if site.kind == "cpu" else f"{passed}{site.label}"


def _choose_dtype(site: _Site, need: Need, wish: Wish) -> tuple[str, str]:
    if wish.dtype != "auto":
        if wish.dtype == "bfloat16" and not site.bfloat16 and site.kind != "cpu":
            raise PlacementError(
                f"{site.label} does not compute bfloat16.",
                expected="It takes float32 or float16.",
                remedy="Set T5GEMMA_DTYPE to one of them or to auto, or T5GEMMA_DEVICE to cpu.",
            )
        return wish.dtype, "set by T5GEMMA_DTYPE"
    if site.kind == "cuda" and site.bfloat16:
        return "bfloat16", "the weights' own format, native on this GPU"
    if site.kind == "cuda":
        return "float32", "this GPU lacks bfloat16, and float16 overflows in Gemma's residual stream"
    full = need.bytes_by_dtype["float32"]
    if full > site.room and site.bfloat16:
        return "bfloat16", f"float32 takes {full / GB:.1f} GB and {site.room / GB:.1f} GB are free; slower, but it fits"
    return "float32", f"exact, and no slower than 16 bits on {site.kind}"


def _smaller(sites: list[_Site], need: Need, wish: Wish) -> str:
    """Say what would help a checkpoint that fits nowhere."""
    room = max(site.room for site in sites)
    if wish.dtype == "float32" and need.bytes_by_dtype["bfloat16"] <= room:
        return (
            f"In bfloat16 it takes {need.bytes_by_dtype['bfloat16'] / GB:.1f} GB: set T5GEMMA_DTYPE to it, or to auto."
        )
    return "Choose a smaller checkpoint, free memory, or use a machine with more."


def _choose_attention(facts: DeviceFacts, site: _Site, dtype: str, need: Need, wish: Wish) -> tuple[str, str]:
    refusals = {name: _why_no_flash(name, facts, site, dtype, need) for name in FLASH}
    if wish.attention in FLASH and refusals[wish.attention]:
        usable = [name for name in FLASH if not refusals[name]] + ["sdpa", "eager"]
        raise PlacementError(
            f"{wish.attention} can't be used: {refusals[wish.attention]}.",
            expected=f"Possible here: {', '.join(usable)}.",
            remedy="Set T5GEMMA_ATTENTION to one of them, or to auto.",
        )
    if wish.attention != "auto":
        return wish.attention, "set by T5GEMMA_ATTENTION"
    for name in FLASH:
        if not refusals[name]:
            softcap = ", takes the softcap" if need.softcap else ""
            return name, f"installed{softcap}, half precision on CUDA"
    exact = "exact with the softcap" if need.softcap else "torch's own, there is no softcap to keep"
    return "sdpa", f"{exact}; no FlashAttention: {refusals['flash_attention_2']}"


def _why_no_flash(name: str, facts: DeviceFacts, site: _Site, dtype: str, need: Need) -> str:
    """Return why a FlashAttention kernel can't serve, or an empty string when it can."""
    kernel = next((k for k in facts.kernels if k.name == name), None)
    capabilities = [device.capability for device in site.devices if device.capability is not None]
    checks = (
        (site.kind == "cuda", f"it needs a CUDA device, this is {site.kind}"),
        (need.flash_family, "transformers does not offer it for T5Gemma 2"),
        (dtype != "float32", "it computes in 16 bits only, the weights are float32"),
        (kernel is not None, "it is not installed"),
        (kernel is None or not need.softcap or kernel.softcap, "the installed build does not take the softcap"),
        (need.head_dim <= 256, f"its largest head is 256, this one has {need.head_dim}"),
        (all(c >= (8, 0) for c in capabilities), "it needs compute capability 8.0 or newer"),
        (name != "flash_attention_3" or all(c[0] == 9 for c in capabilities), "it is built for Hopper GPUs"),
        (not need.padded_teacher_forcing, "padded batches in one pass come out wrong in its cross-attention"),
    )
    return next((why for fine, why in checks if not fine), "")
