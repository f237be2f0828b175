from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import gradio as gr
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.engine.types import GenerationRequest, HeadOutput
from t5gemma_app.errors import EngineError
from t5gemma_app.tasks.labels import NONE
from t5gemma_app.tasks.occlusion import Effect, Occluded
from t5gemma_app.tasks.verdicts import LabelScore, Verdict
from t5gemma_app.ui.classify_handlers import FILE, PAIR, TEXT, ClassifyHandlers, Options, chips
from t5gemma_app.ui.classify_view import percent, verdict_html, why_html
from t5gemma_app.ui.visitors import visitor_of_page
from tests.ui.fakes import DEMO, HEAD, fake_services

RANDOM = replace(HEAD, name="a-random-head", random_head=True)
REQUEST = gr.Request(session_hash="s")
OPTIONS = Options(HEAD.name, [], "topic", False, False, False, False, False, 0.5, False)


@pytest.fixture
def handlers(tmp_path):
    return ClassifyHandlers(fake_services(tmp_path, further=(RANDOM,)))


class Words(HTMLParser):
    """The text of a page, and whether its elements close."""

    def __init__(self, html):
        super().__init__()
        self.open, self.words, self.tags = [], "", []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data


def last(steps):
    *_, shown = steps
    return shown


def test_heads_come_first_and_the_tab_opens_with_one_that_means_something(handlers):
    names = [name for _, name in handlers.choices()]
    assert names[:2] == [HEAD.name, RANDOM.name] and DEMO.name in names
    assert handlers.opening() == HEAD


def test_a_text_is_labelled_with_bars_and_margin(handlers):
    steps = list(handlers.classify(REQUEST, "hello there", "", TEXT, *OPTIONS))
    assert "Loading" in steps[0].result or "Reading" in steps[0].result
    words = Words(steps[-1].result).words
    assert "points ahead of" in words and "Log-probabilities" in words
    assert steps[-1].said in HEAD.labels


def test_labels_of_ones_own_are_said_to_be_untrained(handlers):
    wishes = OPTIONS._replace(checkpoint=DEMO.name, labels=["red, blue", "green"], none=True)
    shown = last(handlers.classify(REQUEST, "a sky", "", TEXT, *wishes))
    words = Words(shown.result).words
    assert "No head was trained" in words and NONE in words
    assert shown.said in ("red", "blue", "green", NONE)


def test_the_words_that_mattered_are_marked(handlers):
    shown = last(handlers.classify(REQUEST, "hello there you", "", TEXT, *OPTIONS))
    *progress, html = handlers.why(REQUEST, shown.said, "hello there you", "", TEXT, *OPTIONS)
    assert "of 3" in progress[-1]
    marks = [attrs["class"].split()[0] for tag, attrs in Words(html).tags if tag == "mark"]
    assert marks and set(marks) <= {"wb-for", "wb-against"}
    assert "changed since" in last(handlers.why(REQUEST, "other", "hello", "", TEXT, *OPTIONS))


@pytest.mark.parametrize(
    ("text", "second", "mode", "wishes", "words"),
    [
        ("", "", TEXT, {}, "The text is empty"),
        ("a", " ", PAIR, {}, "second text is empty"),
        ("a", "", TEXT, {"checkpoint": None}, "There is no checkpoint"),
        ("a", "", TEXT, {"checkpoint": DEMO.name}, "no labels"),
        ("a", "", TEXT, {"checkpoint": DEMO.name, "labels": ["a", "A"]}, "there twice"),
        ("a", "", TEXT, {"checkpoint": DEMO.name, "labels": [1, 2], "wording": "<b>"}, "no wording"),
        ("a", "", TEXT, {"checkpoint": RANDOM.name}, "no trained weights"),
        ("a", "", TEXT, {"checkpoint": "t5gemma-b-b-ul2", "labels": ["a", "b"]}, "can't be used yet"),
    ],
)
def test_what_is_wrong_is_said_on_the_page(handlers, text, second, mode, wishes, words):
    handlers.services.access.refresh(handlers.services.catalogue.all())
    shown = last(handlers.classify(REQUEST, text, second, mode, *OPTIONS._replace(**wishes)))
    assert words in Words(shown.result).words and shown.said == ""


def test_a_random_head_is_used_when_somebody_insists_and_marked(handlers):
    wishes = OPTIONS._replace(checkpoint=RANDOM.name, random_head=True)
    assert "mean nothing" in Words(last(handlers.classify(REQUEST, "a", "", TEXT, *wishes)).result).words
    *_, random_box, _, _, _ = handlers.picked(RANDOM.name, TEXT)
    assert random_box["visible"]


def test_a_visitor_with_too_many_requests_is_refused_in_words(tmp_path):
    engine = FakeEngine(max_per_visitor=1)
    handlers = ClassifyHandlers(fake_services(tmp_path, engine))
    running = engine.generate(GenerationRequest(DEMO, (), visitor=visitor_of_page(REQUEST)))
    assert "1 of your requests is running" in last(handlers.classify(REQUEST, "a", "", TEXT, *OPTIONS)).result
    assert "1 of your requests is running" in last(handlers.why(REQUEST, "good", "a", "", TEXT, *OPTIONS))
    neighbour = gr.Request(session_hash="t")
    assert "points ahead" in last(handlers.classify(neighbour, "a", "", TEXT, *OPTIONS)).result
    running.cancel()
    assert "points ahead" in last(handlers.classify(REQUEST, "a", "", TEXT, *OPTIONS)).result


def test_a_failing_engine_is_a_card(tmp_path):
    engine = FakeEngine(failure=EngineError("The engine is broken.", remedy="Mend it."))
    shown = last(ClassifyHandlers(fake_services(tmp_path, engine)).classify(REQUEST, "a", "", TEXT, *OPTIONS))
    assert "The engine is broken. Mend it." in Words(shown.result.replace("<p>", " ").replace("</p>", "")).words


def test_a_number_has_no_bars(tmp_path):
    class Stars(FakeEngine):
        def classify(self, checkpoint, inputs, **wishes):
            return [HeadOutput((3.5,), 2) for _ in inputs]

    stars = replace(HEAD, name="stars", problem="number", labels=("stars",))
    handlers = ClassifyHandlers(fake_services(tmp_path, Stars(), further=(stars,)))
    shown = last(handlers.classify(REQUEST, "a", "", TEXT, *OPTIONS._replace(checkpoint="stars")))
    assert "3.5" in Words(shown.result).words and shown.ask_why["visible"] is False


def test_what_suits_a_checkpoint_is_shown(handlers):
    _, asking, wishes, _, start, _, _ = handlers.picked(DEMO.name, TEXT)
    assert asking["visible"] and wishes["visible"] and "labels of your own" in start
    assert handlers.picked(HEAD.name, FILE)[4] == ""
    assert handlers.refreshed("gone")["value"] == HEAD.name


def test_chips_are_cut_at_commas():
    assert chips(["a, b", "c\nd", " ", 5]) == ("a", " b", "c", "d", "5")
    assert chips("a,b") == ("a", "b") and chips(None) == ()


def test_shares_are_never_rounded_to_all_or_nothing():
    assert [percent(share) for share in (1.0, 0.99999, 0.5, 0.0001, 0.0)] == [
        "100.0 %", "&gt;99.9 %", "50.0 %", "&lt;0.1 %", "0.0 %",
    ]  # fmt: skip


def test_many_labels_are_folded():
    scores = tuple(LabelScore(f"l{n}", 1 / 30, -3.4) for n in range(30))
    html = verdict_html(Verdict(scores, ("l0",)), ())
    assert "18 more labels" in html and html.count("wb-share ") + html.count('class="wb-share"') == 30


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(min_size=1), st.text(max_size=40), st.text(min_size=1, max_size=20))
def test_no_text_and_no_label_becomes_markup(text, second, label):
    effects = tuple(Effect(at, at + 1, (-1) ** at * 0.1) for at in range(0, len(text), 2))
    html = why_html(Occluded(len(effects), len(effects), effects), text, second, label)
    verdict = Verdict((LabelScore(label, 0.6, -0.5), LabelScore(label + "2", 0.4, -0.9)), (label,))
    found = Words(html + verdict_html(verdict, (text,)))
    known = {
        "section", "h3", "p", "mark", "ol", "li", "b", "span", "div", "details", "summary", "table", "thead", "tbody",
        "tr", "th", "td",
    }  # fmt: skip
    assert {tag for tag, _ in found.tags} <= known
    assert all(set(attrs) <= {"class", "title", "role", "aria-label", "style"} for _, attrs in found.tags)
