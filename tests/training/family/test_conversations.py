"""The family's chat rows are the demo recipe's, read by the pipeline as the recipe reads them."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from transformers import AutoTokenizer

from t5gemma_app.engine.encode import TextEncoder
from t5gemma_app.training.data.rows import Columns, answer_row
from t5gemma_app.training.data.tables import read_tables
from t5gemma_app.training.demo.batches import encode_prompt
from t5gemma_app.training.demo.mixture import Mixture
from t5gemma_app.training.encoding import encode_answers
from t5gemma_app.training.family.conversations import conversations, write_conversations
from t5gemma_app.training.tokenizer import END_OF_TURN_ID, train_tokenizer


def test_rows_are_those_of_the_training_side(tmp_path: Path) -> None:
    mixture = Mixture(7, tmp_path)
    known = {conversation.turns for number in (0, 1) for conversation in mixture.chunk(number, 4)}
    assert {conversation.turns for conversation in islice(conversations(7, 192, tmp_path), 8)} == known
    assert len(list(conversations(7, 100, tmp_path))) == 100


def test_the_pipeline_reads_a_row_as_the_demo_recipe_does(tmp_path: Path) -> None:
    rows = list(conversations(7, 96, tmp_path))
    assert {row.answer_prompt for row in rows} == {True, False}
    folder = tmp_path / "tokenizer"
    train_tokenizer(
        (text for row in rows for text in (row.answer, *(turn.text for turn in row.turns))), 300
    ).save_pretrained(folder)
    write_conversations(tmp_path / "rows.jsonl", 7, 96, tmp_path)
    records = read_tables([str(tmp_path / "rows.jsonl")], training=True).records
    assert any("add_generation_prompt" in record.values for record in records)
    found = encode_answers(
        TextEncoder.from_folder(folder), [answer_row(record, Columns()) for record in records], 900, turns=True
    )
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    for row, example in zip(rows, found.examples, strict=True):
        assert list(example.inputs) == encode_prompt(tokenizer, row)
        answer = tokenizer(row.answer, add_special_tokens=False)["input_ids"]
        assert list(example.targets) == [*answer, END_OF_TURN_ID]
