from __future__ import annotations

import pytest

from t5gemma_app.errors import InputError
from t5gemma_app.tasks.schemes import SCHEMES, Meaning, label_map

UPOS = ("NOUN", "VERB", "PUNCT", "X")


@pytest.mark.parametrize(
    ("labels", "scheme", "names"),
    [
        (("O", "B-PER", "I-PER", "B-LOC", "I-LOC"), "BIO", ("PER", "LOC")),
        (("I-PER", "O"), "IO", ("PER",)),
        (("O", "PER", "e-mail"), "IO", ("PER", "e-mail")),
        (("O", "B-PER", "I-PER", "E-PER", "S-PER"), "BIOES", ("PER",)),
        (("B-PER", "I-PER", "L-PER", "U-PER", "O"), "BIOES", ("PER",)),
        (("O", "B_date", "I_date"), "BIO", ("date",)),
        (("B-a-b", "I-a-b"), "BIO", ("a-b",)),
        (UPOS, "words", UPOS),
    ],
)
def test_the_names_tell_the_scheme(labels, scheme, names):
    found = label_map(labels)
    assert (found.scheme, found.names, found.labels) == (scheme, names, labels)
    assert found.reason and len(found.meanings) == len(labels)
    assert found.outside == ("O" if "O" in labels else "")


def test_every_position_is_read():
    found = label_map(("O", "B-x", "I-x", "E-x", "S-x"))
    assert [one.position for one in found.meanings] == ["outside", "begin", "inside", "end", "single"]
    assert [one.position for one in label_map(("O", "U-x", "L-x")).meanings] == ["outside", "single", "end"]


def test_a_scheme_can_be_asked_for():
    labels = ("O", "B-PER", "I-PER")
    assert label_map(labels, "IO").meanings == (Meaning("outside", ""), *[Meaning("inside", "PER")] * 2)
    assert label_map(labels, "words").names == labels
    assert label_map(labels, "BIOES").scheme == "BIOES"


@pytest.mark.parametrize(
    ("labels", "scheme", "words"),
    [
        ((), "auto", "have no names"),
        (("LABEL_0", "LABEL_1"), "auto", "have no names"),
        (("O", "B-PER", "LOC"), "auto", "'LOC' has no prefix, others begin with B-"),
        (("O", "PER"), "BIO", "'PER' is not of the scheme BIO"),
        (("O", "S-PER"), "BIO", "begin with B- or I-"),
        (("O", "PER"), "iob3", "is auto, BIO, IO"),
    ],
)
def test_what_follows_no_scheme_is_said(labels, scheme, words):
    with pytest.raises(InputError, match=words):
        label_map(labels, scheme)


def test_a_mixed_head_can_still_be_read_by_choice():
    for scheme in ("words", "IO"):
        assert label_map(("O", "B-PER", "LOC"), scheme).scheme == scheme
    assert set(SCHEMES) == {"BIO", "IO", "BIOES", "words"}
