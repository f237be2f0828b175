from __future__ import annotations

import json

from t5gemma_app.tasks.annotations import to_conll, to_json
from t5gemma_app.tasks.spans import Span
from t5gemma_app.tasks.tagging import Tagged, WordTag


def tagged(text, spans, scheme="BIO", words=()):
    return Tagged(text, tuple(Span(*span, 0.5) for span in spans), words, (), ("PER", "LOC"), scheme, "")


def test_json_holds_text_offsets_and_words():
    one = tagged("Zoë ☕ in Łódź", [(0, 3, "PER"), (9, 13, "LOC")])
    data = json.loads(to_json([one]))
    assert data["text"] == one.text
    assert data["spans"][1] == {"start": 9, "end": 13, "label": "LOC", "score": 0.5, "text": "Łódź"}
    assert "Łódź" in to_json([one])
    assert json.loads(to_json([one, one])) == [data, data]
    unscored = Tagged("a", (Span(0, 1, "PER", None),), (), (), ("PER",), "BIO", "")
    assert json.loads(to_json([unscored]))["spans"][0]["score"] is None


def test_conll_has_a_word_a_line_and_an_empty_line_between_sentences():
    first = tagged("Ana Bo Cy, hi\nParis!", [(0, 6, "PER"), (7, 9, "PER"), (14, 19, "LOC")])
    assert to_conll([first, tagged("ok", [])]) == (
        "Ana\tB-PER\nBo\tI-PER\nCy\tB-PER\n,\tO\nhi\tO\n\nParis\tB-LOC\n!\tO\n\nok\tO\n"
    )


def test_labels_of_words_are_written_as_they_are():
    one = tagged(
        "go New York",
        [(0, 2, "VERB"), (3, 11, "proper noun")],
        "words",
        (WordTag(0, 2, "VERB", 1.0), WordTag(3, 11, "proper noun", 1.0)),
    )
    assert to_conll([one]) == "go\tVERB\nNew\tproper_noun\nYork\tproper_noun\n"
