from __future__ import annotations

import random
from dataclasses import replace

import pytest

from t5gemma_app.checkpoints.records import Checkpoint, Stack
from t5gemma_app.engine.encode import TextEncoder
from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.errors import InputError
from t5gemma_app.tasks.schemes import label_map
from t5gemma_app.tasks.tagging import MARKS, Tagger, TagInput, TagOptions, assemble, text_input, token_input
from t5gemma_app.tasks.verdicts import softmax
from tests.tiny import tiny_tokenizer

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def checkpoint(labels=LABELS, head="token", positions=512):
    stack = Stack(2, 8, 8, 2, 1, 4, 512, positions, 8, 1, 50.0)
    return Checkpoint("tagger", "local", "nowhere", encoder=stack, head=head, labels=labels)


class Spelling(FakeEngine):
    """An engine that says of each piece what its first letter asks for, and remembers the windows."""

    def tag(self, checkpoint, windows, *, budget=None, urgent=False, visitor=""):
        self.windows = list(windows)
        return [tuple(self._say(index) for index in window) for window in windows]

    def tokens(self, checkpoint, text):
        return TextEncoder(tiny_tokenizer()).tokens(text)

    @staticmethod
    def _say(index):
        piece = tiny_tokenizer().id_to_token(index).lstrip("▁")
        wanted = {"A": 1, "B": 2, "P": 3, "Q": 4}.get(piece[:1], 0)
        return tuple(3.0 if at == wanted else 0.0 for at in range(5))


def found(text, **options):
    (tagged,) = Tagger(Spelling()).tag(checkpoint(), [text_input(text)], TagOptions(**options))
    return [(tagged.text[s.start : s.end], s.label) for s in tagged.spans]


def test_spans_are_the_texts_own_characters():
    assert found("Ann Bell saw  Paris, twice") == [("Ann Bell", "PER"), ("Paris", "LOC")]
    assert found("\n\tPau 😀 Quay.") == [("Pau", "LOC"), ("Quay", "LOC")]


def test_the_aggregation_decides():
    # letters of "xA" are pieces of their own: the first says O, the second B-PER
    assert found("xA") == []
    assert found("xA", aggregation="max") == []  # equally sure: the first piece stays
    assert found("xAA", aggregation="average") == [("xAA", "PER")]
    assert found("xAB", aggregation="none") == [("A", "B-PER"), ("B", "I-PER")]


def test_a_threshold_drops_spans_and_their_tags():
    (sure,) = Tagger(Spelling()).tag(checkpoint(), [token_input(["Ann", "saw", "P"])])
    score = sure.spans[0].score
    assert sure.tags == ("B-PER", "O", "B-LOC")
    assert sure.above(score - 1e-6) == sure
    dropped = sure.above(score + 1e-6)
    assert dropped.spans == () and dropped.tags == ("O", "O", "O")
    (asked,) = Tagger(Spelling()).tag(checkpoint(), [token_input(["Ann"])], TagOptions(threshold=0.999))
    assert asked.tags == ("O",)


def test_given_words_get_one_tag_each():
    words = ["Ann", "B.", "in", "Port Royal", "😀"]
    (tagged,) = Tagger(Spelling()).tag(checkpoint(), [token_input(words)])
    assert tagged.tags == ("B-PER", "I-PER", "O", "B-LOC", "O")
    assert [tagged.text[word.start : word.end] for word in tagged.words] == words


def test_parts_of_speech_are_a_span_a_word():
    upos = checkpoint(("X", "NOUN", "VERB", "ADJ", "ADV"))
    (tagged,) = Tagger(Spelling()).tag(upos, [text_input("A big Pan")])
    assert [s.label for s in tagged.spans] == list(tagged.tags) == ["NOUN", "X", "ADJ"]
    assert tagged.scheme == "words" and tagged.reason


def test_long_texts_are_read_in_windows_that_agree_with_a_short_reading():
    engine = Spelling()
    text = "Ann saw Paris and Bob, " * 12
    whole, parts = checkpoint(), checkpoint(positions=32 + MARKS)
    (expected,) = Tagger(engine).tag(whole, [text_input(text)])
    assert len(engine.windows) == 1
    (cut,) = Tagger(engine).tag(parts, [text_input(text)])
    assert cut.windows == len(engine.windows) > 6
    assert max(map(len, engine.windows)) == 32
    assert (cut.spans, cut.words, cut.pieces) == (expected.spans, expected.words, expected.pieces)


def test_many_texts_keep_their_order():
    inputs = [text_input(text) for text in ("Ann", "x y z", "in Paris " * 30, "Bo")]
    together = Tagger(Spelling()).tag(checkpoint(positions=40), inputs)
    alone = [Tagger(Spelling()).tag(checkpoint(positions=40), [one])[0] for one in inputs]
    assert together == alone
    assert Tagger(Spelling()).tag(checkpoint(), []) == []


POOLS = (
    "abc XYZ.,'-",
    "  \t\n\r\u00a0\u2003",
    "😀👩\u200d👩🏽❤\ufe0f🇩🇪",
    "שלוםعربي\u200f\u202e\u064b",
    "हिन्दीไทย日本語กั",
    "e\u0301\u0327ﬁİßẞ",
    "<bos><end_of_turn></s>",
    "".join(map(chr, range(1, 0x250))),
)


def random_text(chance):
    pools = chance.sample(POOLS, chance.randint(1, 4))
    letters = [chance.choice(chance.choice(pools)) for _ in range(chance.randint(1, 40))]
    letters += [chr(chance.choice([chance.randint(0x20, 0xD7FF), chance.randint(0xE000, 0x10FFFF)]))] * 2
    chance.shuffle(letters)
    return "".join(letters)


@pytest.mark.parametrize("aggregation", ["none", "first", "average", "max"])
def test_spans_reproduce_a_thousand_random_texts(aggregation):
    encoder, labels, chance = TextEncoder(tiny_tokenizer()), label_map(LABELS), random.Random(aggregation)
    for _ in range(250):
        text = random_text(chance)
        tokens = encoder.tokens(text)
        assert all(0 <= token.start <= token.end <= len(text) for token in tokens)
        pieces = [softmax([chance.gauss(0, 2) for _ in LABELS]) for _ in tokens]
        tagged = assemble(TagInput(text), tokens, pieces, labels, TagOptions(aggregation))
        rebuilt, at = "", 0
        for span in tagged.spans:
            assert at <= span.start < span.end
            inside = text[span.start : span.end]
            assert inside == inside.strip() and 0 < span.score <= 1
            rebuilt += text[at : span.start] + inside
            at = span.end
        assert rebuilt + text[at:] == tagged.text == text
        if aggregation != "none":
            held = "".join(text[word.start : word.end] for word in tagged.words)
            assert "".join(held.split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: text_input(" \n"), "The text is empty"),
        (lambda: token_input([]), "There are no tokens"),
        (lambda: token_input(["a", " "]), "Token 2 is blank"),
        (lambda: Tagger(FakeEngine()).tag(checkpoint(head="none"), [text_input("x")]), "has no token head"),
        (lambda: Tagger(FakeEngine()).tag(replace(checkpoint(), random_head=True), [text_input("x")]), "no trained w"),
        (lambda: Tagger(FakeEngine()).tag(replace(checkpoint(), labels_named=False), [text_input("x")]), "no names"),
        (lambda: Tagger(FakeEngine()).tag(checkpoint(("LABEL_0",)), [text_input("x")]), "have no names"),
        (lambda: Tagger(FakeEngine()).tag(checkpoint(("O", "B-x", "y")), [text_input("x")]), "no scheme"),
        (lambda: Tagger(FakeEngine(), max_text=3).tag(checkpoint(), [text_input("four")]), "has 4 characters"),
        (lambda: found("x", aggregation="simple"), "no aggregation 'simple'"),
        (lambda: found("x", threshold=1.5), "threshold is 1.5"),
        (
            lambda: Tagger(FakeEngine()).tag(checkpoint(), [token_input(["x"])], TagOptions("none")),
            "Given words need an aggregation",
        ),
    ],
)
def test_what_can_not_be_tagged_is_said(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_unpaired_surrogates_do_not_stop_anything():
    (tagged,) = Tagger(Spelling()).tag(checkpoint(), [text_input("Ann \ud800 Paris")])
    assert tagged.text == "Ann \ufffd Paris" and len(tagged.spans) == 2
