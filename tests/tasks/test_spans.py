from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.tasks.schemes import label_map
from t5gemma_app.tasks.spans import Decision, Span, best, decide, group
from t5gemma_app.tasks.words import Word

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def grouped(tags, labels=LABELS, scheme="auto"):
    words = [Word(2 * at, 2 * at + 1, (at,)) for at in range(len(tags))]
    decisions = [Decision(labels.index(tag), 0.5) for tag in tags]
    return [(s.start // 2, s.end // 2 + 1, s.label) for s in group(words, decisions, label_map(labels, scheme))]


def conll_chunks(tags):
    """Entities as the CoNLL scorer finds them, in its own words: where a chunk starts and where one ends."""
    chunks, start, kind = [], 0, ""
    before = ("O", "")
    for at, tag in enumerate([*tags, "O"]):
        prefix, name = (tag[0], tag[2:]) if tag != "O" else ("O", "")
        ends = before[0] in "ES" or (before[0] in "BI" and (prefix in "BSO" or name != before[1]))
        begins = prefix in "BS" or (prefix in "IE" and (before[0] in "OES" or name != before[1]))
        if kind and ends:
            chunks.append((start, at, kind))
            kind = ""
        if begins:
            start, kind = at, name
        before = (prefix, name)
    return chunks


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("B-PER I-PER O B-LOC", [(0, 2, "PER"), (3, 4, "LOC")]),
        ("B-PER B-PER", [(0, 1, "PER"), (1, 2, "PER")]),
        ("I-PER I-PER", [(0, 2, "PER")]),
        ("B-PER I-LOC I-LOC", [(0, 1, "PER"), (1, 3, "LOC")]),
        ("O O", []),
    ],
)
def test_tags_form_spans(tags, spans):
    assert grouped(tags.split()) == spans


def test_other_schemes_form_spans():
    bioes = ("O", "B-x", "I-x", "E-x", "S-x")
    assert grouped(["B-x", "E-x", "S-x", "S-x", "I-x", "E-x", "I-x"], bioes) == [
        (0, 2, "x"),
        (2, 3, "x"),
        (3, 4, "x"),
        (4, 6, "x"),
        (6, 7, "x"),
    ]
    assert grouped(["PER", "PER", "O", "LOC", "PER"], ("O", "PER", "LOC")) == [
        (0, 2, "PER"),
        (3, 4, "LOC"),
        (4, 5, "PER"),
    ]
    assert grouped(["B-PER", "B-PER"], scheme="IO") == [(0, 2, "PER")]
    assert grouped(["NOUN", "NOUN", "VERB"], ("NOUN", "VERB")) == [(0, 1, "NOUN"), (1, 2, "NOUN"), (2, 3, "VERB")]


@given(st.lists(st.sampled_from(["O", *(f"{p}-{n}" for p in "BIES" for n in ("x", "y"))]), max_size=12))
def test_any_tags_form_the_spans_of_the_conll_scorer(tags):
    labels = ("O", *(f"{p}-{n}" for p in "BIES" for n in ("x", "y")))
    assert grouped(tags, labels) == conll_chunks(tags)


def test_a_span_is_as_sure_as_its_words_are_on_average():
    words = [Word(0, 3, (0,)), Word(4, 7, (1,)), Word(8, 9, (2,))]
    decisions = [Decision(1, 0.9), Decision(2, 0.5), Decision(0, 0.8)]
    assert group(words, decisions, label_map(LABELS)) == (Span(0, 7, "PER", 0.7),)


def test_a_word_is_decided_by_its_pieces():
    pieces = [(0.6, 0.4, 0.0), (0.1, 0.9, 0.0), (0.1, 0.3, 0.6)]
    word = Word(0, 5, (0, 1, 2))
    assert decide(word, pieces, "first") == Decision(0, 0.6)
    assert decide(word, pieces, "max") == Decision(1, 0.9)
    label, score = decide(word, pieces, "average")
    assert (label, score) == (1, pytest.approx(1.6 / 3))
    assert decide(Word(0, 1, ()), pieces, "first") is None


def test_equal_probabilities_go_to_the_first_label():
    assert best((0.2, 0.4, 0.4)) == Decision(1, 0.4)
