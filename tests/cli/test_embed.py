from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from t5gemma_app.checkpoints.catalogue import Catalogue
from t5gemma_app.cli.main import BAD_INPUT, DONE, main
from tests.cli.conftest import TINY


@pytest.fixture
def embed(build, engine, capsys):
    def run(*words):
        engine.closed = False  # the command before closed it
        only = Catalogue((TINY,))
        code = main(["embed", "--checkpoint", "tiny", *words], lambda s: replace(build(s), catalogue=only))
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text('text\nlate ferry\n""\nlate boat\n')
    return str(path)


def test_the_vector_of_a_text_is_printed(embed):
    code, out, _ = embed("--text", "late ferry")
    assert code == DONE and math.hypot(*json.loads(out)) == pytest.approx(1)
    assert json.loads(embed("--text", "late ferry", "--json")[1])["embedding"] == json.loads(out)


def test_a_file_becomes_an_array(embed, source, tmp_path):
    target = tmp_path / "out.npy"
    code, _, err = embed("--file", source, "--output", str(target), "--pooling", "last")
    array = np.load(target)
    assert code == DONE and array.dtype == np.float32 and array.shape == (3, 32)
    assert np.isnan(array[1]).all() and "1 have no vector and are NaN" in err
    assert np.linalg.norm(array[[0, 2]], axis=1) == pytest.approx([1, 1])
    assert array[0].tolist() == pytest.approx(json.loads(embed("--text", "late ferry")[1]))


def test_vectors_stand_beside_their_texts(embed, source, tmp_path):
    target = tmp_path / "out.jsonl"
    code, out, _ = embed("--file", source, "--output", str(target), "--json")
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert code == DONE and json.loads(out) == {"rows": 3, "without_result": 1}
    assert rows[0]["text"] == "late ferry" and len(rows[0]["embedding"]) == 32
    assert rows[1]["embedding"] is None and rows[1]["error"] == "The text is empty."


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "Either --text or --file"),
        (("--text", ""), "The text is empty"),
        (("--file", "in.csv"), "no --output"),
        (("--file", "in.csv", "--output", "out.bin"), "ends in '.bin'"),
        (("--text", "a", "--pair-column", "b"), "One column"),
    ],
)
def test_what_is_wrong_is_said(embed, words, expected):
    code, _, err = embed(*words)
    assert code == BAD_INPUT and expected in err


def test_a_file_without_a_single_text_makes_no_array(embed, tmp_path):
    source, target = tmp_path / "in.csv", tmp_path / "out.npy"
    source.write_text('text\n""\n')
    code, _, err = embed("--file", str(source), "--output", str(target))
    assert code == BAD_INPUT and "No row has a vector" in err and not target.exists()
