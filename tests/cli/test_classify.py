from __future__ import annotations

import json
from dataclasses import replace

import pytest

from t5gemma_app.checkpoints.catalogue import Catalogue
from t5gemma_app.cli.main import BAD_INPUT, DONE, main
from tests.cli.conftest import TINY

HEAD = replace(TINY, name="a-head", location="/a-head", head="sequence", labels=("good", "bad"))


@pytest.fixture
def classify(build, capsys):
    def run(*words):
        code = main(["classify", *words], lambda s: replace(build(s), catalogue=Catalogue((TINY, HEAD))))
        return code, *capsys.readouterr()

    return run


def test_a_text_gets_a_label_on_standard_output(classify):
    code, out, err = classify("--checkpoint", "a-head", "--text", "hello")
    assert code == DONE and out.strip() in HEAD.labels
    assert "margin" in err


def test_json_has_scores_and_words(classify):
    words = ("--checkpoint", "tiny", "--labels", "red, blue", "--text", "a sky", "--none", "--why", "--json")
    code, out, err = classify(*words)
    found = json.loads(out)
    assert code == DONE and set(found["scores"]) == set(found["logprobs"]) == {"red", "blue"}
    assert sum(found["scores"].values()) + found["none"] == pytest.approx(1)
    assert [word["text"] for word in found["words"]] == ["a", "sky"]
    assert "No head was trained" in err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--checkpoint", "a-head"), "Either --text or --file"),
        (("--checkpoint", "a-head", "--text", "a", "--file", "b.csv"), "Either --text or --file"),
        (("--checkpoint", "a-head", "--text", " "), "The text is empty"),
        (("--checkpoint", "tiny", "--text", "a"), "no labels"),
        (("--checkpoint", "tiny", "--labels", "a,a", "--text", "a"), "'a' is there twice"),
        (("--checkpoint", "a-head", "--file", "nowhere.csv", "--output", "out.csv"), "can't be read"),
        (("--checkpoint", "a-head", "--file", "nowhere.csv"), "no --output"),
    ],
)
def test_what_is_wrong_is_said(classify, words, expected):
    code, _, err = classify(*words)
    assert code == BAD_INPUT and expected in err


def test_a_file_gets_labels(classify, tmp_path):
    source, target = tmp_path / "in.csv", tmp_path / "out.jsonl"
    source.write_text("text,label\nhello,gold\n,\n")
    code, out, err = classify("--checkpoint", "a-head", "--file", str(source), "--output", str(target), "--json")
    assert code == DONE
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert rows[0]["label"] == "gold" and rows[0]["predicted_label"] in HEAD.labels
    assert rows[1]["predicted_error"] == "The text is empty."
    assert json.loads(out)["without_result"] == 1
    assert "called predicted_label" in err and "Wrote 2 rows" in err
