import json
import subprocess
import sys
from pathlib import Path

import pytest

from t5gemma_app.cli.main import main, parser
from t5gemma_app.errors import (
    BusyError,
    CheckpointError,
    InputError,
    PlacementError,
    SettingsError,
    TooBigError,
    UnknownCheckpointError,
)

CHAT = ["chat", "--checkpoint", "tiny", "--prompt", "hello there"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("i"), 2),
        (UnknownCheckpointError("u"), 2),
        (SettingsError("s"), 2),
        (PlacementError("p"), 2),
        (TooBigError("t"), 1),
        (CheckpointError("c"), 1),
        (BusyError("b"), 1),
    ],
)
def test_failures_are_one_line_on_standard_error_and_an_exit_code(build, engine, capsys, error, code) -> None:
    engine.failure = error
    assert main(CHAT, build) == code
    printed = capsys.readouterr()
    assert printed.err.endswith(f"Error: {error}\n")
    assert "Traceback" not in printed.err
    assert printed.out == ""


@pytest.mark.parametrize("argv", [[], ["fly"], ["models"], ["chat"], ["models", "show"], [*CHAT, "--seed", "x"]])
def test_bad_usage_is_2(build, capsys, argv) -> None:
    assert main(argv, build) == 2
    assert "usage" in capsys.readouterr().err


def test_every_command_explains_itself(capsys) -> None:
    commands = [["models", "list"], ["models", "show"], ["models", "init"], ["doctor"], ["chat"], ["generate"]]
    for command in [
        [],
        *commands,
        ["settings"],
        ["serve"],
        ["train", "demo"],
        ["evaluate"],
        ["leaderboard"],
        ["runs", "list"],
    ]:
        with pytest.raises(SystemExit) as leaving:
            parser().parse_args([*command, "--help"])
        assert leaving.value.code == 0
        assert "usage" in capsys.readouterr().out


def test_an_unknown_setting_is_bad_input(build, capsys, monkeypatch) -> None:
    monkeypatch.setenv("T5GEMMA_PROT", "1")
    assert main(["settings"], build) == 2
    assert "T5GEMMA_PORT" in capsys.readouterr().err


def test_a_token_in_a_failure_is_not_shown(build, engine, capsys) -> None:
    engine.failure = CheckpointError("refused hf_abcdefgh12345678")
    assert main(CHAT, build) == 1
    assert "abcdefgh" not in capsys.readouterr().err


def test_the_engine_is_closed_whatever_happens(build, engine) -> None:
    main([*CHAT[:-1], ""], build)
    assert engine.closed


def test_settings_are_one_json_document_without_secrets(build, capsys, monkeypatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_abcdefgh12345678")
    monkeypatch.setenv("T5GEMMA_PORT", "7861")
    assert main(["settings", "--json"], build) == 0
    document = capsys.readouterr().out
    assert json.loads(document)["T5GEMMA_PORT"]["value"] == "7861"
    assert json.loads(document)["HF_TOKEN"]["value"] == "set"
    assert "abcdefgh" not in document
    assert main(["settings"], build) == 0
    assert "T5GEMMA_PORT" in capsys.readouterr().out


def program(*argv: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *argv], capture_output=True, text=True, timeout=60, check=False, **options)


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("T5GEMMA_DATA_DIR", str(tmp_path))


def test_listing_imports_neither_torch_nor_gradio(environ) -> None:
    code = (
        "import sys; from t5gemma_app.cli.main import main; code = main(['models', 'list', '--json']); "
        "heavy = {'torch', 'transformers', 'gradio'} & set(sys.modules); print(heavy, file=sys.stderr); "
        "sys.exit(code or len(heavy))"
    )
    done = program("-c", code)
    assert done.returncode == 0, done.stderr
    names = [entry["name"] for entry in json.loads(done.stdout)]
    assert "t5gemma-2b-2b-prefixlm-it" in names
    assert len(names) >= 35


def test_a_reader_that_goes_away_ends_the_command_quietly(environ) -> None:
    lister = subprocess.Popen(
        [sys.executable, "-m", "t5gemma_app", "models", "list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert lister.stdout is not None
    lister.stdout.close()
    _, words = lister.communicate(timeout=60)
    assert lister.returncode == 141
    assert words == ""


def test_a_terminal_without_the_characters_gets_question_marks(environ, monkeypatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = program("-m", "t5gemma_app", "models", "list", "--size", "größe")
    assert done.returncode == 2
    assert "gr" in done.stderr
