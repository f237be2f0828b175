"""What is written never becomes markup."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.engine.types import Loading, Waiting
from t5gemma_app.errors import WorkbenchError
from t5gemma_app.tasks.conversation import Version, add_version, new_conversation, with_answer, with_user
from t5gemma_app.ui.thread import empty_html, failed_html, live_html, loading_html, thread_html, waiting_html
from tests.ui.fakes import DEMO, OTHER


class Reader(HTMLParser):
    """Collects tags and the text between them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


MARKUP = st.text(alphabet=st.sampled_from("<>&\"'/=abimgsrx onerror()\n"), max_size=60) | st.text(max_size=60)


@given(MARKUP, MARKUP)
def test_messages_stay_text(message: str, answer: str) -> None:
    plain = thread_html(with_answer(with_user(new_conversation(0.0, "a"), "m"), Version("a", "n")))
    conversation = with_answer(with_user(new_conversation(0.0, "a"), message), Version(answer or "a", "n"))
    written = read(thread_html(conversation))
    if conversation.messages[1].text.strip():
        assert written.tags == read(plain).tags
        assert conversation.messages[1].text in "".join(written.texts)
    assert conversation.messages[0].text in "".join(written.texts)


@given(MARKUP)
def test_streams_progress_and_failures_stay_text(words: str) -> None:
    assert read(live_html("a" + words)).tags == read(live_html("a")).tags
    assert read(loading_html(Loading(words, words, 0.5))).tags == read(loading_html(Loading("a", "b", 0.5))).tags
    assert read(failed_html(WorkbenchError(words, remedy="x"))).tags == ["div", "strong", "p"]


def test_only_the_last_answer_can_be_regenerated_and_versions_are_counted() -> None:
    conversation = with_answer(with_user(new_conversation(0.0, "a"), "one"), Version("first"))
    conversation = with_answer(with_user(conversation, "two"), Version("second"))
    html = thread_html(add_version(conversation, Version("third")))
    assert html.count('data-act="regenerate"') == 1
    assert "2 of 2" in html and "second" not in html
    assert "data-act" not in thread_html(conversation, busy=True)


def test_a_message_without_its_answer_can_be_answered() -> None:
    assert 'data-act="regenerate"' in thread_html(with_user(new_conversation(0.0, "a"), "one"))


def test_the_empty_state_suits_the_checkpoint() -> None:
    assert empty_html(DEMO).count("wb-example") >= 4
    assert "capital of France" in empty_html(DEMO)
    assert "continues text" in empty_html(OTHER)
    assert "Models tab" in empty_html(None)


def test_waiting_names_the_place() -> None:
    assert "3 requests are served first" in waiting_html(Waiting(3))
    assert "1 request is served first." in waiting_html(Waiting(1))
    assert "2 requests are served first; your turn comes in about 20 s." in waiting_html(Waiting(2, 20.4))
