from __future__ import annotations

from array import array

import pytest

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.engine.types import CrossAttention, GenerationRequest, Piece, SeenToken
from t5gemma_app.errors import InputError
from t5gemma_app.tasks.chat import Chat
from t5gemma_app.tasks.looking import LONGEST_ANSWER, Looker, ids_of, picture, stretches

CHATS = Checkpoint("chats", "local", "nowhere", stage="instruction-tuned")


def tokens(*texts):
    return tuple(SeenToken(text.replace(" ", "▁"), text, control=text.startswith("<")) for text in texts)


SOURCE = tokens("<bos>", "An", "na", " lives", "\n", " in", " Par", "is", ".")
ANSWER = tokens(" Par", "is", "<end>")


def seen():
    """One layer, one head; a row sums to 1."""
    row = [0.5, 0.05, 0.05, 0.1, 0.02, 0.03, 0.1, 0.1, 0.05]
    other = [0.1, 0.0, 0.0, 0.0, 0.0, 0.1, 0.4, 0.4, 0.0]
    last = [1.0, *[0.0] * 8]
    return CrossAttention(SOURCE, ANSWER, 1, 1, array("f", [*row, *other, *last] * 4))


def looker(engine=None):
    engine = engine or FakeEngine()
    return Looker(engine, Chat(engine, 1000, 100))


def test_pieces_of_a_word_are_shown_as_one():
    shown = picture(seen())
    assert [s.text for s in shown.source] == ["<bos>", "Anna", "lives", "⏎", "in", "Paris", "."]
    assert [s.mark for s in shown.source] == [True, False, False, True, False, False, False]
    assert [s.text for s in shown.answer] == ["Paris", "<end>"]
    assert shown.rows[0] == pytest.approx((0.3, 0.05, 0.05, 0.01, 0.065, 0.5, 0.025))
    assert [sum(row) for row in shown.rows] == pytest.approx([1, 1])
    assert [s.before for s in shown.source[1:3]] == ["", " "]


def test_pieces_can_be_shown_one_by_one():
    shown = picture(seen(), by_word=False)
    assert [s.text for s in shown.source] == ["<bos>", "An", "na", "lives", "⏎", "in", "Par", "is", "."]
    assert shown.rows == seen().rows(0, 0)


def test_colours_are_measured_by_words_whatever_rests_on_marks():
    first, last = picture(seen()).depths()
    assert first[5] == 1 and first[0] == pytest.approx(0.6)  # 0.3 of 0.5
    assert last == (0,) * 7  # all of it went to a mark


def test_the_bytes_of_a_character_are_of_its_word():
    caffè = tokens(" caff", "", "è", " ", "", "", "", "😀", "", "�")
    found = stretches(caffè, by_word=True)
    assert [(s.text, s.first, s.end) for s in found] == [
        ("caffè", 0, 3),
        ("␣", 3, 4),
        ("😀", 4, 8),
        ("�", 8, 10),
    ]
    single = stretches(caffè, by_word=False)
    assert [s.end - s.first for s in single] == [1] * 10
    assert all(s.text or s.mark for s in single)


def test_every_token_is_in_one_stretch():
    for by_word in (True, False):
        for side in (SOURCE, ANSWER, (), tokens("<a>", "<b>")):
            places = [at for s in stretches(side, by_word) for at in range(s.first, s.end)]
            assert places == list(range(len(side)))


def test_an_answer_is_looked_into():
    for answer in ("a b c", ids_of(FakeEngine().generate(GenerationRequest(CHATS, (Piece("a b c"),))))):
        found = looker().look(CHATS, "Where is it?", answer)
        shown = picture(found, 1, 2)
        assert len(shown.rows) == len(shown.answer) >= 3
        assert sum(shown.rows[0]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: looker().look(CHATS, "x", ""), "The answer is empty"),
        (lambda: looker().look(CHATS, "x", ()), "The answer is empty"),
        (lambda: looker().look(CHATS, " ", "x"), "message is empty"),
        (lambda: looker().look(CHATS, "x", "y " * (LONGEST_ANSWER + 1)), "tokens"),
        (lambda: looker().look(Checkpoint("h", "local", "x", head="token"), "x", "y"), "writes no text"),
        (lambda: picture(seen(), 2), "There is no layer 2"),
        (lambda: picture(seen(), 0, 7), "There is no head 7"),
    ],
)
def test_what_can_not_be_looked_into_is_said(call, words):
    with pytest.raises(InputError, match=words):
        call()
