"""Every setting of the app, read from the environment in this file and nowhere else."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

from t5gemma_app.errors import DataFolderError, SettingsError, did_you_mean

PREFIX = "T5GEMMA_"


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that never shows itself in a repr, a log or an error."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return "•••"


class _Reader(NamedTuple):
    """How a variable's text becomes a value, and what to say when it can't."""

    read: Callable[[str], Any]
    expected: str


def _whole(low: int, high: int) -> _Reader:
    def read(raw: str) -> int:
        value = int(raw)
        if not low <= value <= high:
            raise ValueError(raw)
        return value

    return _Reader(read, f"a whole number from {low} to {high}")


def _read_gigabytes(raw: str) -> float:
    value = float(raw)
    if not 0 < value < float("inf"):
        raise ValueError(raw)
    return value


def _one_of(*choices: str, then: Callable[[str], Any] = str) -> _Reader:
    def read(raw: str) -> Any:
        if raw.lower() not in choices:
            raise ValueError(raw)
        return then(raw.lower())

    return _Reader(read, f"one of {', '.join(choices)}")


_YES = ("1", "true", "yes", "on")
_TEXT = _Reader(str, "text")
_WORD = _Reader(str.lower, "a word")
_NAMES = _Reader(lambda raw: tuple(name.strip() for name in raw.split(",") if name.strip()), "names")
_GIGABYTES = _Reader(_read_gigabytes, "a number of gigabytes above 0")
_FOLDER = _Reader(lambda raw: Path(raw).expanduser(), "a folder")
_SECRET = _Reader(Secret, "a secret")
_FLAG = _one_of(*_YES, "0", "false", "no", "off", then=lambda word: word in _YES)


def _setting(default: Any, reader: _Reader, about: str) -> Any:
    return field(default=default, metadata={"reader": reader, "about": about})


@dataclass(frozen=True, slots=True)
class Settings:
    """The app's settings; each field `name` is the variable `T5GEMMA_NAME`."""

    host: str = _setting("127.0.0.1", _TEXT, "address to listen on")
    port: int = _setting(7860, _whole(0, 65535), "port to listen on")
    checkpoint: str = _setting("", _TEXT, "checkpoint that is chosen at the start")
    checkpoints: tuple[str, ...] = _setting((), _NAMES, "further hub ids or folders, separated by commas")
    device: str = _setting("auto", _WORD, "auto, cpu, cuda, cuda:N or mps")
    dtype: str = _setting("auto", _one_of("auto", "float32", "bfloat16", "float16"), "number format of the weights")
    attention: str = _setting(
        "auto",
        _one_of("auto", "flash_attention_2", "flash_attention_3", "sdpa", "eager"),
        "attention implementation",
    )
    screened_head: str = _setting(
        "auto", _one_of("auto", "on", "off"), "find the best words in 8 bits first; the answers stay the same"
    )
    int8_layers: bool = _setting(
        False, _FLAG, "decode answers by layers rounded to 8 bits, on a CPU; quicker, and not the same answers"
    )
    memory_gb: float | None = _setting(None, _GIGABYTES, "memory the loaded checkpoints may take together")
    threads: int | None = _setting(None, _whole(1, 1024), "CPU threads torch may use")
    data_dir: Path | None = _setting(None, _FOLDER, "folder for runs and results")
    max_new_tokens: int = _setting(1024, _whole(1, 8192), "upper limit of an answer's length")
    max_text: int = _setting(100_000, _whole(100, 10_000_000), "upper limit of a message's characters")
    max_waiting: int = _setting(32, _whole(1, 1000), "requests that may wait before the app says it is busy")
    max_answers: int = _setting(8, _whole(1, 256), "answers that are generated at the same time")
    max_per_visitor: int | None = _setting(
        None,
        _whole(1, 1256),
        "requests one visitor may have waiting or running; unset: a quarter of all, no limit where the host is local",
    )
    max_rows: int = _setting(100_000, _whole(1, 100_000_000), "rows an uploaded file may have")
    max_upload_mb: int = _setting(100, _whole(1, 10_000), "megabytes an uploaded file may have")
    batch_tokens: int = _setting(4096, _whole(1, 10_000_000), "padded tokens of a batch when files are processed")
    superglue_dir: Path | None = _setting(
        None, _FOLDER, "folder of official SuperGLUE files; else rows come from the Hub"
    )
    visitor_runs: str = _setting(
        "auto", _one_of("auto", "on", "off"), "may visitors start evaluations; auto: not on a Space"
    )
    train: bool = _setting(
        False, _FLAG, "may visitors of a server that others reach train checkpoints; on a local one everybody may"
    )
    train_data: Path | None = _setting(None, _FOLDER, "folder whose sets of rows are offered for training")
    max_runs: int = _setting(40, _whole(1, 1000), "evaluations that may wait or run at the same time")
    mcp: bool = _setting(False, _FLAG, "offer the endpoints as tools of the Model Context Protocol")
    hub_checks: bool = _setting(True, _FLAG, "ask the Hub at the start which checkpoints the token reaches")
    openai: bool = _setting(False, _FLAG, "answer OpenAI's clients too, under /v1")
    api_key: Secret | None = _setting(None, _SECRET, "what those clients must send; needed where others reach the app")
    log_level: str = _setting(
        "INFO", _one_of("debug", "info", "warning", "error", then=str.upper), "how much is logged"
    )
    token: Secret | None = None
    offline: bool = False
    space: str | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings from environment variables.

        Args:
            environ: The variables; the process's own when left out.

        Raises:
            SettingsError: A `T5GEMMA_*` variable is unknown or its value can't be read.
        """
        environ = os.environ if environ is None else environ
        readable = {f.name: f for f in fields(cls) if "reader" in f.metadata}
        values: dict[str, Any] = {}
        for variable, raw in environ.items():
            if not variable.startswith(PREFIX) or not raw.strip():
                continue
            name = variable.removeprefix(PREFIX).lower()
            if name not in readable:
                known = [PREFIX + other.upper() for other in readable]
                raise SettingsError(
                    f"The setting {variable} is not known.",
                    expected=did_you_mean(variable, known),
                    remedy="`python -m t5gemma_app settings` lists all of them.",
                )
            values[name] = _value(variable, raw, readable[name].metadata["reader"])
        space = environ.get("SPACE_ID") or None
        if space:
            values.setdefault("host", "0.0.0.0")  # noqa: S104 - a Space's container is reached from outside only
        token = environ.get("HF_TOKEN", "").strip()
        return cls(
            **values,
            token=Secret(token) if token else None,
            offline=_is_offline(environ),
            space=space,
        )

    @property
    def local(self) -> bool:
        """Whether only this machine reaches the app."""
        return self.host in ("127.0.0.1", "localhost", "::1", "[::1]")

    @property
    def visitors_may_run(self) -> bool:
        """Whether whoever opens the page may start, pause and cancel evaluations."""
        return self.visitor_runs == "on" or (self.visitor_runs == "auto" and self.space is None)

    @property
    def visitors_may_train(self) -> bool:
        """Whether whoever opens the page may start, cancel and delete training runs."""
        return self.local or self.train

    def table(self) -> list[tuple[str, str, str]]:
        """Return (variable, value in force, meaning) of every setting, for help and docs."""
        return [
            (PREFIX + f.name.upper(), _shown(getattr(self, f.name)), f.metadata["about"])
            for f in fields(self)
            if "reader" in f.metadata
        ]


def _value(variable: str, raw: str, reader: _Reader) -> Any:
    try:
        return reader.read(raw.strip())
    except ValueError as error:
        raise SettingsError(f"{variable} is {raw!r}.", expected=f"It takes {reader.expected}.") from error


def _is_offline(environ: Mapping[str, str]) -> bool:
    """Read the two variables that huggingface_hub obeys, the way it does."""
    raw = environ.get("HF_HUB_OFFLINE") or environ.get("TRANSFORMERS_OFFLINE") or ""
    return raw.lower() in _YES


def _shown(value: Any) -> str:
    if value is None or value == ():
        return ""
    return ",".join(value) if isinstance(value, tuple) else str(value)


def quiet_libraries(environ: dict[str, str] | None = None) -> None:
    """Switch off the libraries' telemetry unless the owner decided otherwise; call before importing them.

    Gradio also makes a table of its last 10,000 steps after every step, for a page of statistics that is not served.
    """
    target = os.environ if environ is None else environ
    for name, value in (
        ("GRADIO_ANALYTICS_ENABLED", "False"),
        ("GRADIO_ANALYTICS_MAX_EVENTS", "1"),
        ("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000000"),
        ("HF_HUB_DISABLE_TELEMETRY", "1"),
        ("TOKENIZERS_PARALLELISM", "false"),
    ):
        target.setdefault(name, value)


_LAUNCHERS = (("RANK", "WORLD_SIZE"), ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), ("PMI_RANK", "PMI_SIZE"))
"""How torchrun and `accelerate launch`, Open MPI, and Intel MPI and MPICH tell a process its number."""


class ProcessShard(NamedTuple):
    """Which of several processes this one is."""

    rank: int
    size: int


def process_shard(environ: Mapping[str, str] | None = None) -> ProcessShard:
    """Return this process's number and how many there are; the first of one outside a launcher.

    Raises:
        SettingsError: The launcher's variables make no sense.
    """
    source = os.environ if environ is None else environ
    names = next((names for names in _LAUNCHERS if names[1] in source), _LAUNCHERS[0])
    rank, count = source.get(names[0], "0"), source.get(names[1], "1")
    if not (rank.isdecimal() and count.isdecimal() and int(rank) < int(count)):
        raise SettingsError(
            f"{names[0]} is {rank!r} and {names[1]} is {count!r}.",
            expected="A launcher sets both: a number from 0, and how many processes there are.",
            remedy="Unset them to use one process.",
        )
    return ProcessShard(int(rank), int(count))


def take_own_gpu(environ: dict[str, str] | None = None) -> None:
    """Let each of a launcher's processes see one GPU, its own; call before torch is imported."""
    target = os.environ if environ is None else environ
    local = target.get("LOCAL_RANK", "")
    if not local.isdecimal() or process_shard(target).size == 1:
        return
    visible = [device.strip() for device in target.get("CUDA_VISIBLE_DEVICES", "").split(",") if device.strip()]
    if not visible:
        target["CUDA_VISIBLE_DEVICES"] = local
    elif len(visible) > 1:
        target["CUDA_VISIBLE_DEVICES"] = visible[int(local) % len(visible)]


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Where runs and results are kept, and whether they survive a restart."""

    path: Path
    persistent: bool
    reason: str


def choose_data_folder(settings: Settings) -> DataFolder:
    """Choose the folder for runs and results: the configured one, a Space's /data, or one in the user's home.

    Raises:
        DataFolderError: The configured folder can't be written; it is never replaced silently.
    """
    if settings.data_dir is not None:
        if not _writable(settings.data_dir):
            raise DataFolderError(
                f"The data folder {settings.data_dir} can't be written.",
                expected="T5GEMMA_DATA_DIR must name a folder this user may create or write.",
                remedy="Choose another folder, or unset the variable to use the default.",
            )
        return DataFolder(settings.data_dir, True, "set by T5GEMMA_DATA_DIR")
    if settings.space:
        if Path("/data").is_dir() and _writable(Path("/data")):
            return DataFolder(Path("/data"), True, "the Space's mounted storage")
    else:
        home = Path.home() / ".local" / "share" / "t5gemma"
        if _writable(home):
            return DataFolder(home, True, "the user's data folder")
    scratch = Path(tempfile.gettempdir()) / "t5gemma"
    scratch.mkdir(parents=True, exist_ok=True)
    return DataFolder(scratch, False, "no persistent folder can be written; results are lost at a restart")


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
