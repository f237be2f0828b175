from __future__ import annotations

import json
from dataclasses import replace

import pytest

from t5gemma_app.checkpoints.catalogue import Catalogue
from t5gemma_app.cli.main import BAD_INPUT, DONE, main
from tests.cli.conftest import TINY
from tests.ui.fakes import TAGGER
from tests.ui.naming import NamingEngine

HEAD = replace(TAGGER, location="/a-tagger")


@pytest.fixture
def engine():
    return NamingEngine(reply=lambda prompt, _: "Ada\nZed" if "every person" in prompt else "London")


@pytest.fixture
def tag(build, engine, capsys):
    def run(*words):
        engine.closed = False  # the command before closed it
        code = main(["tag", *words], lambda s: replace(build(s), catalogue=Catalogue((TINY, HEAD))))
        return code, *capsys.readouterr()

    return run


def test_a_text_is_tagged_on_standard_output(tag):
    code, out, _ = tag("--checkpoint", "a-tagger", "--text", "Ada Lovelace, London")
    assert code == DONE
    assert [line.split() for line in out.splitlines()][1:] == [
        ["Ada", "Lovelace", "person", "98.5%", "0-12"],
        ["London", "place", "98.5%", "14-20"],
    ]
    assert tag("--checkpoint", "a-tagger", "--text", "nobody")[1] == "Nothing was found.\n"


def test_json_and_conll_are_printed(tag):
    _, out, _ = tag("--checkpoint", "a-tagger", "--text", "Mia in Oslo", "--threshold", "0.9", "--json")
    assert [(s["text"], s["label"]) for s in json.loads(out)["spans"]] == [("Mia", "person")]
    _, out, _ = tag("--checkpoint", "a-tagger", "--text", "Mia in Oslo", "--conll")
    assert out == "Mia\tB-person\nin\tO\nOslo\tB-place\n"


def test_labels_are_asked_for(tag):
    words = ("--checkpoint", "tiny", "--labels", "person, place", "--text", "Ada left London. Ada!")
    code, out, err = tag(*words, "--json")
    assert code == DONE and [s["start"] for s in json.loads(out)["spans"]] == [0, 9, 17]
    assert json.loads(out)["dropped"] == [{"label": "person", "text": "Zed"}] and "Zed" in err
    assert [s["start"] for s in json.loads(tag(*words, "--first", "--json")[1])["spans"]] == [0, 9]


def test_a_file_of_texts_gets_spans(tag, tmp_path):
    source, target = tmp_path / "in.csv", tmp_path / "out.jsonl"
    source.write_text('id,text\n1,"Mia in Oslo"\n2,\n')
    code, out, err = tag("--checkpoint", "a-tagger", "--file", str(source), "--output", str(target), "--json")
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert code == DONE and [s["label"] for s in rows[0]["spans"]] == ["person", "place"]
    assert rows[0]["id"] == "1" and rows[1]["error"] == "The text is empty." and "tags" not in rows[0]
    assert json.loads(out)["without_result"] == 1 and "1 rows with person" in err


@pytest.mark.parametrize("flags", [(), ("--column", "tokens", "--words")])
def test_a_file_of_words_gets_one_tag_a_word(tag, tmp_path, flags):
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"tokens": ["Ada", "saw", "Oslo", "."], "tags": ["gold"]}\n{"tokens": [1]}\n')
    code, _, err = tag("--checkpoint", "a-tagger", "--input", str(source), "--output", str(target), *flags)
    first, second = (json.loads(line) for line in target.read_text().splitlines())
    assert code == DONE and first["predicted_tags"] == ["B-person", "O", "B-place", "O"]
    assert first["tags"] == ["gold"] and "predicted_tags" in err
    assert second["predicted_error"] == "The list holds something else than words."


def test_a_file_is_asked_for_labels(tag, tmp_path):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("text\nAda left London\n")
    words = ("--checkpoint", "tiny", "--labels", "person,place", "--file", str(source), "--output", str(target))
    assert tag(*words)[0] == DONE
    assert '""label"": ""person"", ""score"": null' in target.read_text()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--checkpoint", "a-tagger"), "Either --text or --file"),
        (("--checkpoint", "a-tagger", "--text", " "), "The text is empty"),
        (("--checkpoint", "tiny", "--text", "a"), "no labels"),
        (("--checkpoint", "a-tagger", "--text", "a", "--labels", "b"), "labels of its own"),
        (("--checkpoint", "a-tagger", "--text", "a", "--threshold", "2"), "threshold is 2"),
        (("--checkpoint", "a-tagger", "--text", "a", "--pair-column", "b"), "reads one column"),
        (("--checkpoint", "a-tagger", "--file", "nowhere.csv", "--output", "out.csv"), "can't be read"),
        (("--checkpoint", "tiny", "--text", "a", "--labels", "b", "--words"), "no token head"),
        (("--checkpoint", "a-tagger", "--text", "a", "--words", "--aggregation", "none"), "need an aggregation"),
    ],
)
def test_what_is_wrong_is_said(tag, words, expected):
    code, _, err = tag(*words)
    assert code == BAD_INPUT and expected in err
