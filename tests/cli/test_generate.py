import json
import os
from pathlib import Path

import pytest

from t5gemma_app.cli.main import main
from t5gemma_app.errors import OutOfMemoryError


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    rows = [{"id": i, "prompt": f"p{i} é", "more": [i]} for i in range(5)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def command(prompts: Path, output: Path, *flags: str) -> list[str]:
    return ["generate", "--checkpoint", "tiny", "--input", str(prompts), "--output", str(output), *flags]


def test_rows_keep_their_order_and_fields(build, capsys, prompts, tmp_path) -> None:
    output = tmp_path / "out.jsonl"
    assert main(command(prompts, output, "--greedy", "--batch", "2", "--token-ids"), build) == 0
    rows = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
    assert [(row["id"], row["more"], row["text"]) for row in rows] == [(i, [i], f"You said: p{i} é") for i in range(5)]
    assert all(row["token_ids"][-1] == 107 and row["finish_reason"] == "stop" for row in rows)
    assert "é" in output.read_text("utf-8")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "5 answers" in printed.err


def test_raw_and_turns_send_different_pieces(build, engine, prompts, tmp_path) -> None:
    sent = []
    whole = engine.generate_batch
    engine.generate_batch = lambda c, pieces, p: sent.extend(pieces) or whole(c, pieces, p)
    assert main(command(prompts, tmp_path / "a", "--raw"), build) == 0
    engine.closed = False
    assert main(command(prompts, tmp_path / "b"), build) == 0
    assert [piece.text for piece in sent[0]] == ["<bos>", "p0 é"]
    assert sent[5][1].text == "<start_of_turn>"


def test_the_output_may_replace_the_input(build, prompts) -> None:
    assert main(command(prompts, prompts), build) == 0
    assert len(prompts.read_text("utf-8").splitlines()) == 5
    assert "finish_reason" in prompts.read_text("utf-8")


def test_a_failure_leaves_the_old_output_and_nothing_else(build, engine, prompts, tmp_path) -> None:
    output = tmp_path / "results" / "out.jsonl"
    output.parent.mkdir()
    output.write_text("old")
    whole, calls = engine.generate_batch, []

    def failing(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise OutOfMemoryError("The device ran out of memory.")
        return whole(*arguments)

    engine.generate_batch = failing
    assert main(command(prompts, output, "--batch", "2"), build) == 1
    assert output.read_text() == "old"
    assert list(output.parent.iterdir()) == [output]


def test_the_output_has_the_permissions_of_any_new_file(build, prompts, tmp_path) -> None:
    output, other = tmp_path / "out", tmp_path / "other"
    other.touch()
    assert main(command(prompts, output), build) == 0
    assert output.stat().st_mode == other.stat().st_mode


def test_devices_are_written_directly(build, prompts) -> None:
    assert main(command(prompts, Path(os.devnull)), build) == 0
    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--output", "/nowhere/at/all.jsonl"], "can't be written"),
        (["--input", "/nowhere.jsonl"], "can't be read"),
        (["--checkpoint", "nothing"], "no checkpoint"),
        (["--batch", "0"], "batch is 0"),
        (["--max-new-tokens", "0"], "max_new_tokens is 0"),
    ],
)
def test_bad_input_is_2_and_nothing_is_written(build, capsys, prompts, tmp_path, flags, says) -> None:
    output = tmp_path / "out.jsonl"
    assert main([*command(prompts, output), *flags], build) == 2
    assert says in capsys.readouterr().err
    assert not output.exists()


def test_a_wrong_line_is_named(build, capsys, prompts, tmp_path) -> None:
    with prompts.open("a") as file:
        file.write('{"promt": "x"}\n')
    assert main(command(prompts, tmp_path / "out"), build) == 2
    assert "in.jsonl, line 6" in capsys.readouterr().err


def test_an_unpaired_surrogate_is_written_as_it_was_read(build, prompts, tmp_path) -> None:
    prompts.write_text(r'{"prompt": "a\ud800"}', "utf-8")
    output = tmp_path / "out"
    assert main(command(prompts, output), build) == 0
    assert json.loads(output.read_text("utf-8")) == {
        "prompt": "a\ud800",
        "text": "You said: a\ufffd",
        "finish_reason": "stop",
    }
