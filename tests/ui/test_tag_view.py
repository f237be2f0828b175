from __future__ import annotations

import re
from html import unescape

from t5gemma_app.tasks.spans import Span
from t5gemma_app.tasks.tagging import Tagged, WordTag
from t5gemma_app.ui.tag_view import MOST_PIECES, MOST_ROWS, MOST_SPANS, tagged_html

HOSTILE = '<img src=x onerror=alert(1)> & "quoted"'


def tagged(text, spans, **more):
    found = tuple(Span(start, end, label, score) for start, end, label, score in spans)
    values = {"words": (), "pieces": (), "names": ("PER", "LOC"), "scheme": "BIO", "reason": "so it is", **more}
    return Tagged(text, found, **values)


def reading(html):
    """The text as a reader copies it: marks stay, labels and tags go."""
    inner = re.search(r'<div class="wb-tag-text[^>]*>(.*?)</div>', html, re.S)[1]
    return unescape(re.sub(r"<[^>]+>", "", re.sub(r"<small>.*?</small>", "", inner)))


def test_the_text_stays_what_it_was_to_the_character():
    text = f"  Zoë ☕\n\n{HOSTILE}\tשלום "
    html = tagged_html(tagged(text, [(2, 5, "PER", 0.9), (9, 14, "LOC", 0.5)]))
    assert reading(html) == text
    assert "<img" not in html and "onerror=alert(1)&gt;" in html
    assert 'data-score="0.9000"' in html and "PER, 90.0 % sure" in html


def test_names_of_labels_are_escaped_too():
    html = tagged_html(tagged("abc", [(0, 3, HOSTILE, None)], names=(HOSTILE,)), [(HOSTILE, HOSTILE)], HOSTILE)
    assert "<img" not in html
    assert html.count("&lt;img") == 11
    assert 'data-score=""' in html and "1 answer is not in the text" in html


def test_the_legend_counts_and_leaves_out_what_does_not_occur():
    html = tagged_html(tagged("a b c", [(0, 1, "PER", 1.0), (2, 3, "PER", 1.0)]))
    assert re.findall(r'data-label="(\w+)" aria-pressed="true"', html) == ["PER"]
    assert "PER <b>2</b>" in html and "wb-t0" in html
    assert "as the model sees it" not in html  # nothing is known of pieces


def test_pieces_are_shown_as_the_model_sees_them():
    pieces = (WordTag(0, 3, "B-PER", 0.8, "▁Zoë"), WordTag(3, 4, "O", 0.9, "\n"))
    html = tagged_html(tagged("Zoë\n", [(0, 3, "PER", 0.8)], pieces=pieces, outside="O", windows=3))
    assert '<span class="wb-piece wb-t0" title="▁Zoë 0–3: B-PER, 80.0 % sure"><b>▁Zoë</b><i>B-PER</i></span>' in html
    assert "<b>⏎</b><i>O</i>" in html
    assert "in 3 overlapping parts" in html and "so it is" in html


def test_labels_of_words_stand_over_them():
    html = tagged_html(tagged("go on", [(0, 2, "VERB", 0.9), (3, 5, "ADP", 0.9)], scheme="words"))
    assert '<div class="wb-tag-text wb-over"' in html
    assert "wb-beside" in tagged_html(tagged("go", [(0, 2, "x", 0.9)]))


def test_a_long_text_is_shown_as_far_as_a_page_can_bear():
    count = MOST_SPANS + 10
    spans = [(2 * at, 2 * at + 1, "PER", 0.9) for at in range(count)]
    pieces = tuple(WordTag(at, at + 1, "B-PER", 0.9, "a") for at in range(MOST_PIECES + 5))
    html = tagged_html(tagged("a " * count, spans, pieces=pieces))
    assert html.count("<mark") == MOST_SPANS and html.count("<tr data") == MOST_ROWS
    assert html.count('class="wb-piece') == MOST_PIECES
    assert reading(html) == "a " * count
    assert f"{count - MOST_ROWS:,} more" in html and f"The first {MOST_SPANS:,} of {count:,} spans" in html


def test_nothing_found_is_said():
    assert "Nothing was found." in tagged_html(tagged("abc", []))
