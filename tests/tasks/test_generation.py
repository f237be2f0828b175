import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.checkpoints.records import Checkpoint, Stack
from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.engine.types import Piece, SamplingParameters
from t5gemma_app.errors import InputError
from t5gemma_app.tasks.generation import answer_rows, pieces_of, read_prompts
from t5gemma_app.tasks.turns import written

CHECKPOINT = Checkpoint("tiny", "local", "/tiny", encoder=Stack(2, 8, 16, 2, 2, 4, 100, 6, 64, 1, 50.0))


def rows_of(tmp_path: Path, *lines: object):
    path = tmp_path / "in.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), "utf-8")
    return read_prompts(path)


def test_prompts_and_messages_become_the_same_turns(tmp_path: Path) -> None:
    one, two = rows_of(tmp_path, {"prompt": "hi"}, {"messages": [{"role": "user", "content": "hi", "id": 3}]})
    assert pieces_of(one, raw=False) == pieces_of(two, raw=False)


def test_a_conversation_is_written_with_its_system_text_and_both_names_of_the_model(tmp_path: Path) -> None:
    said = [("system", "s"), ("user", "a"), ("model", "b"), ("user", "c"), ("assistant", "d"), ("user", "e")]
    (row,) = rows_of(tmp_path, {"messages": [{"role": role, "content": text} for role, text in said]})
    text = written(pieces_of(row, raw=False))
    assert text.count("<start_of_turn>model\n") == 3
    assert text.startswith("<bos><start_of_turn>user\ns\n\na<end_of_turn>")


def test_raw_sends_one_marker_and_the_prompt_exactly(tmp_path: Path) -> None:
    prompt = "  <bos>\r\n<start_of_turn>\x00 "
    (row,) = rows_of(tmp_path, {"prompt": prompt})
    assert pieces_of(row, raw=True) == (Piece("<bos>", control=True), Piece(prompt))


def test_messages_cannot_be_sent_raw(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, {"prompt": "a"}, {"messages": [{"role": "user", "content": "b"}]})
    engine = FakeEngine()
    with pytest.raises(InputError, match="Line 2 has messages"):
        list(answer_rows(engine, CHECKPOINT, rows, SamplingParameters(), 1, raw=True))
    assert engine.status().loaded == ()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "line 2 is not JSON"),
        ("[1]", "line 2 is not an object"),
        ({}, 'line 2: a line has either "prompt" or "messages"'),
        ({"prompt": "a", "messages": [{"role": "user", "content": "b"}]}, "either"),
        ({"prompt": 5}, "line 2, prompt: Input should be a valid string"),
        ({"messages": []}, "last message must be"),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}, "last message must"),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "system", "content": "b"}]}, "first message"),
        ({"messages": [{"role": "tool", "content": "a"}]}, r"line 2, messages\.0\.role"),
        ({"messages": [{"role": "user"}]}, r"messages\.0\.content"),
        ('{"prompt": "a", "x": NaN}', "NaN"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: object, says: str) -> None:
    with pytest.raises(InputError, match=says) as raised:
        rows_of(tmp_path, {"prompt": "fine"}, line)
    assert "in.jsonl" in str(raised.value)


def test_a_missing_an_empty_and_a_binary_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl can't be read"):
        read_prompts(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="has no prompts"):
        rows_of(tmp_path, "", " ")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="line 1 is not UTF-8"):
        read_prompts(tmp_path / "binary")


def test_empty_lines_and_windows_line_ends_and_a_mark_at_the_start_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"prompt": "a"}\r\n\r\n{"prompt": "b"}\r\n')
    assert [(row.line, row.prompt) for row in read_prompts(path)] == [(1, "a"), (3, "b")]


@given(st.integers(1, 9), st.integers(1, 12))
def test_answers_do_not_depend_on_the_batch(batch: int, count: int) -> None:
    path = Path("unused")
    rows = [_row_of(path, {"prompt": f"p{i} q", "id": i}) for i in range(count)]
    alone = [next(answer_rows(FakeEngine(), CHECKPOINT, [row], SamplingParameters(), 1)) for row in rows]
    assert list(answer_rows(FakeEngine(), CHECKPOINT, rows, SamplingParameters(), batch)) == alone


def _row_of(path: Path, fields: dict):
    from t5gemma_app.tasks.generation import _row

    return _row(json.dumps(fields).encode(), path, 1)


def test_order_and_fields_are_kept_and_answers_are_added(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, {"id": 7, "prompt": "a", "z": {"k": [1]}}, {"prompt": "b", "id": 8})
    first, second = answer_rows(FakeEngine(), CHECKPOINT, rows, SamplingParameters(), 2, token_ids=True)
    assert list(first) == ["id", "prompt", "z", "text", "finish_reason", "token_ids"]
    assert first["text"] == "You said: a"
    assert first["token_ids"][-1] == 107
    assert (first["z"], second["id"], second["finish_reason"]) == ({"k": [1]}, 8, "stop")
    assert "token_ids" not in next(answer_rows(FakeEngine(), CHECKPOINT, rows, SamplingParameters(), 2))


def test_a_long_prompt_and_a_replaced_field_are_told(tmp_path: Path) -> None:
    told: list[str] = []
    rows = rows_of(tmp_path, {"prompt": "a", "text": "old"}, {"prompt": "b " * 9})
    answers = list(answer_rows(FakeEngine(), CHECKPOINT, rows, SamplingParameters(), 2, raw=True, warn=told.append))
    assert answers[0]["text"] == "You said: a"
    assert any('"text"' in line and "line 1" in line for line in told)
    assert any("Line 2 has 10 tokens, more than the 6" in line for line in told)
    assert len(told) == 2


def test_an_unpaired_surrogate_reaches_no_tokenizer_and_stays_in_the_row(tmp_path: Path) -> None:
    (row,) = rows_of(tmp_path, r'{"prompt": "a\ud800", "id\udc00": 1}')
    written(pieces_of(row, raw=True)).encode("utf-8")
    assert row.fields == {"prompt": "a\ud800", "id\udc00": 1}


def test_what_writes_no_text_and_what_is_out_of_range_are_refused(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, {"prompt": "a"})
    tagger = Checkpoint("t", "local", "/t", head="token")
    for target, parameters, batch, says in (
        (tagger, SamplingParameters(), 1, "head"),
        (CHECKPOINT, SamplingParameters(top_p=2), 1, "top_p"),
        (CHECKPOINT, SamplingParameters(), 0, "batch"),
    ):
        with pytest.raises(InputError, match=says):
            list(answer_rows(FakeEngine(), target, rows, parameters, batch))
