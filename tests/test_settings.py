from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.errors import DataFolderError, SettingsError
from t5gemma_app.settings import (
    PREFIX,
    Secret,
    Settings,
    choose_data_folder,
    process_shard,
    quiet_libraries,
    take_own_gpu,
)

TOKEN = "hf_averysecrettokenindeed"


def test_without_variables_the_defaults_are_in_force() -> None:
    assert Settings.from_environ({}) == Settings()
    assert Settings().host == "127.0.0.1"


@pytest.mark.parametrize(
    ("variable", "raw", "name", "value"),
    [
        ("T5GEMMA_PORT", " 8080 ", "port", 8080),
        ("T5GEMMA_CHECKPOINTS", "a/b, /some/folder ,,c", "checkpoints", ("a/b", "/some/folder", "c")),
        ("T5GEMMA_DEVICE", " CUDA:1", "device", "cuda:1"),
        ("T5GEMMA_DTYPE", "BFloat16", "dtype", "bfloat16"),
        ("T5GEMMA_ATTENTION", "sdpa", "attention", "sdpa"),
        ("T5GEMMA_MEMORY_GB", "12.5", "memory_gb", 12.5),
        ("T5GEMMA_DATA_DIR", "~/runs", "data_dir", Path.home() / "runs"),
        ("T5GEMMA_HUB_CHECKS", "no", "hub_checks", False),
        ("T5GEMMA_LOG_LEVEL", "debug", "log_level", "DEBUG"),
        ("T5GEMMA_PORT", "  ", "port", 7860),
        ("HF_TOKEN", f" {TOKEN}\n", "token", Secret(TOKEN)),
        ("HF_TOKEN", " ", "token", None),
        ("HF_HUB_OFFLINE", "1", "offline", True),
        ("HF_HUB_OFFLINE", "0", "offline", False),
        ("TRANSFORMERS_OFFLINE", "YES", "offline", True),
        ("SPACE_ID", "me/space", "space", "me/space"),
        ("SPACE_ID", "me/space", "host", "0.0.0.0"),
        ("PATH", "/bin", "host", "127.0.0.1"),
    ],
)
def test_a_variable_sets_its_field(variable: str, raw: str, name: str, value: object) -> None:
    assert getattr(Settings.from_environ({variable: raw}), name) == value


def test_a_space_listens_where_its_owner_says() -> None:
    assert Settings.from_environ({"SPACE_ID": "me/space", "T5GEMMA_HOST": "10.0.0.1"}).host == "10.0.0.1"


@pytest.mark.parametrize(
    ("variable", "raw", "words"),
    [
        ("T5GEMMA_PORT", "http", r"T5GEMMA_PORT is 'http'\. It takes a whole number from 0 to 65535"),
        ("T5GEMMA_PORT", "65536", "whole number from 0 to 65535"),
        ("T5GEMMA_PORT", "7_860.0", "whole number"),
        ("T5GEMMA_MEMORY_GB", "nan", "gigabytes above 0"),
        ("T5GEMMA_MEMORY_GB", "inf", "gigabytes above 0"),
        ("T5GEMMA_MEMORY_GB", "-1", "gigabytes above 0"),
        ("T5GEMMA_DTYPE", "int8", "one of auto, float32, bfloat16, float16"),
        ("T5GEMMA_HUB_CHECKS", "maybe", "one of 1, true, yes, on, 0, false, no, off"),
        ("T5GEMMA_LOG_LEVEL", "loud", "one of debug, info, warning, error"),
        ("T5GEMMA_CHEKPOINT", "x", "T5GEMMA_CHEKPOINT is not known.*Did you mean T5GEMMA_CHECKPOINT"),
        ("T5GEMMA_TOKEN", "x", "not known"),
        ("T5GEMMA_SPACE", "x", "not known"),
    ],
)
def test_a_wrong_variable_is_refused_with_what_it_takes(variable: str, raw: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Settings.from_environ({variable: raw})


@given(st.dictionaries(st.sampled_from([row[0] for row in Settings().table()]), st.text(max_size=30)))
def test_any_text_is_read_or_refused(environ: dict[str, str]) -> None:
    try:
        settings = Settings.from_environ(environ)
    except SettingsError as error:
        assert any(variable in str(error) for variable in environ)
    else:
        assert isinstance(settings.port, int)


def test_the_token_never_shows() -> None:
    settings = Settings.from_environ({"HF_TOKEN": TOKEN})
    for shown in (repr(settings), str(settings.token), f"{settings.token}", repr(settings.table())):
        assert TOKEN not in shown


def test_the_table_names_every_setting_and_is_read_back_as_it_is() -> None:
    changed = {"T5GEMMA_PORT": "1234", "T5GEMMA_CHECKPOINTS": "a,b", "T5GEMMA_MEMORY_GB": "2.5"}
    table = Settings.from_environ(changed).table()
    assert {variable for variable, _, _ in table} == {
        PREFIX + field.name.upper() for field in fields(Settings) if field.name not in ("token", "offline", "space")
    }
    assert all(about for _, _, about in table)
    assert Settings.from_environ({variable: value for variable, value, _ in table}) == Settings.from_environ(changed)


def test_other_libraries_are_quiet_unless_the_owner_wants_them_loud() -> None:
    environ = {"GRADIO_ANALYTICS_ENABLED": "True"}
    quiet_libraries(environ)
    assert environ["GRADIO_ANALYTICS_ENABLED"] == "True"
    assert environ["HF_HUB_DISABLE_TELEMETRY"] == "1"


def test_a_configured_data_folder_is_made_and_used(tmp_path: Path) -> None:
    chosen = choose_data_folder(Settings(data_dir=tmp_path / "new" / "runs"))
    assert (chosen.path, chosen.persistent) == (tmp_path / "new" / "runs", True)
    assert chosen.path.is_dir()
    assert not list(chosen.path.iterdir())


def test_a_configured_data_folder_that_cannot_be_written_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(DataFolderError, match=r"file/runs can't be written.*T5GEMMA_DATA_DIR"):
        choose_data_folder(Settings(data_dir=tmp_path / "file" / "runs"))


def test_without_one_the_users_folder_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    chosen = choose_data_folder(Settings())
    assert (chosen.path, chosen.persistent) == (tmp_path / ".local" / "share" / "t5gemma", True)


def test_where_nothing_persists_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "home"
    blocked.write_text("", encoding="utf-8")
    monkeypatch.setenv("HOME", str(blocked))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    chosen = choose_data_folder(Settings())
    assert (chosen.path, chosen.persistent) == (tmp_path / "t5gemma", False)
    assert "lost at a restart" in chosen.reason


def test_a_space_keeps_its_results_on_mounted_storage_or_says_that_it_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    chosen = choose_data_folder(Settings(space="me/space"))
    mounted = Path("/data").is_dir() and os.access("/data", os.W_OK)
    assert chosen.path == (Path("/data") if mounted else tmp_path / "t5gemma")
    assert chosen.persistent == mounted


def test_a_launcher_tells_each_process_its_number() -> None:
    assert process_shard({}) == (0, 1)
    assert process_shard({"RANK": "1", "WORLD_SIZE": "2"}) == (1, 2)
    assert process_shard({"PMI_RANK": "1", "PMI_SIZE": "2"}) == (1, 2)
    assert process_shard({"OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "4"}) == (3, 4)
    for rank, size in (("2", "2"), ("-1", "2"), ("one", "2"), ("0", "0"), ("0", "")):
        with pytest.raises(SettingsError, match="WORLD_SIZE"):
            process_shard({"RANK": rank, "WORLD_SIZE": size})


@pytest.mark.parametrize(
    ("visible", "seen"), [(None, "1"), ("", "1"), ("4,6", "6"), ("7", "7"), ("GPU-a, GPU-b", "GPU-b")]
)
def test_each_process_of_a_launcher_sees_its_own_gpu(visible: str | None, seen: str) -> None:
    environ = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1"}
    if visible is not None:
        environ["CUDA_VISIBLE_DEVICES"] = visible
    take_own_gpu(environ)
    assert environ["CUDA_VISIBLE_DEVICES"] == seen


def test_a_single_process_sees_all_gpus() -> None:
    for environ in ({}, {"LOCAL_RANK": "0", "RANK": "0", "WORLD_SIZE": "1"}):
        take_own_gpu(environ)
        assert "CUDA_VISIBLE_DEVICES" not in environ
