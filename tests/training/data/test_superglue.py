from __future__ import annotations

from pathlib import Path

import pytest

from t5gemma_app.errors import InputError
from t5gemma_app.training.data.superglue import superglue_labels, superglue_rows
from tests.training.rows import write_rows

WIC = {
    "word": "place", "sentence1": "My place is here.", "sentence2": "No place for it.", "idx": 0, "label": False,
    "start1": 3, "end1": 8, "start2": 3, "end2": 8, "version": 1.1,
}  # fmt: skip
WSC = {
    "text": "Mark told Pete that he lied.", "idx": 3, "label": True,
    "target": {"span1_index": 0, "span1_text": "Mark", "span2_index": 4, "span2_text": "he"},
}  # fmt: skip
COPA = {
    "premise": "It rained.",
    "choice1": "He got wet.",
    "choice2": "He ran.",
    "question": "effect",
    "label": 1,
    "idx": 0,
}
ANSWERS = [{"text": "Ann", "idx": 0, "label": 1}, {"text": "Bob", "idx": 1, "label": 0}]
MULTIRC = {
    "idx": 0,
    "passage": {"text": "Ann ran.", "questions": [{"question": "Who?", "idx": 0, "answers": ANSWERS}]},
}
RTE = {"premise": "It rains.", "hypothesis": "It is wet.", "label": "not_entailment", "idx": 0}


@pytest.mark.parametrize(
    ("task", "row", "texts"),
    [
        ("wic", WIC, [("My * place * is here.", "No * place * for it.", "False")]),
        ("wsc", WSC, [("* Mark * told Pete that # he # lied.", None, "True")]),
        ("copa", COPA, None),
        ("multirc", MULTIRC, [("Ann ran.", "Who? Ann", "True"), ("Ann ran.", "Who? Bob", "False")]),
        ("rte", RTE, [("It rains.", "It is wet.", "not_entailment")]),
    ],
)
def test_rows_are_shown_as_the_head_formatter_shows_them(tmp_path: Path, task: str, row: dict, texts) -> None:
    folder = {"wic": "WiC", "wsc": "WSC", "copa": "COPA", "multirc": "MultiRC", "rte": "RTE"}[task]
    (tmp_path / folder).mkdir()
    write_rows(tmp_path / folder / "train.jsonl", [row])
    found, source = superglue_rows(task, "train", tmp_path)
    assert all(one.label in superglue_labels(task) for one in found)
    if texts is None:
        assert "2: He ran." in str(found[0].pair)
    else:
        assert [(one.text, one.pair, one.label) for one in found] == texts
    assert source.kind == "folder"


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(InputError, match="no benchmark 'wik'"):
        superglue_labels("wik")
