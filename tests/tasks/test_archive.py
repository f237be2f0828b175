import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from t5gemma_app.errors import ConversationError
from t5gemma_app.tasks.archive import FORMAT, MAX_BYTES, from_data, from_json, to_data, to_json, to_markdown
from t5gemma_app.tasks.conversation import Conversation, Message, Version, clean_text, new_conversation, with_user

TEXT = st.text(st.characters(categories=None), max_size=40).map(clean_text)
SCALAR = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
PARAMETERS = st.none() | st.dictionaries(TEXT, SCALAR | st.lists(SCALAR, max_size=3), max_size=4)
VERSIONS = st.lists(st.builds(Version, TEXT, TEXT, PARAMETERS), min_size=1, max_size=3).map(tuple)


@st.composite
def conversations(draw: st.DrawFn, id: str = "c") -> Conversation:
    messages = []
    for index in range(draw(st.integers(0, 5))):
        versions = draw(VERSIONS)
        role = "assistant" if index % 2 else "user"
        messages.append(Message(role, versions, draw(st.integers(0, len(versions) - 1))))
    updated = draw(st.floats(0, 2e9))
    return Conversation(id, draw(TEXT), draw(TEXT), tuple(messages), draw(TEXT), updated)


@given(st.lists(conversations(), max_size=3))
def test_what_is_exported_comes_back_as_it_was(some: list[Conversation]) -> None:
    some = [replace(one, id=f"c{index}") for index, one in enumerate(some)]
    assert from_json(to_json(some)) == tuple(some)
    assert from_json(to_json(some).encode()) == tuple(some)
    assert tuple(from_data(json.loads(json.dumps(to_data(one)))) for one in some) == tuple(some)


def document(**changes: object) -> str:
    entry = {"id": "a", "messages": [{"role": "user", "versions": [{"text": "hi"}]}]} | changes
    return json.dumps({"format": FORMAT, "version": 1, "conversations": [entry]})


def test_fields_with_defaults_may_be_left_out() -> None:
    (conversation,) = from_json(document())
    assert conversation.messages[0].text == "hi"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON: .*line 1"),
        ("", "not JSON"),
        (b"\xff\xfe", "JSON that can be read"),
        ("[" * 100_000, "JSON that can be read"),
        ("9" * 10_000, "JSON that can be read"),
        ('{"updated": NaN}', "JSON that can be read"),
        ("[]", "not an export of this app"),
        ('{"format": "another", "version": 1}', "its format is 'another'"),
        (json.dumps({"format": FORMAT, "version": 2, "future": 1}), "version 2.*reads version 1"),
        (json.dumps({"format": FORMAT, "version": "1", "conversations": []}), "at version"),
        (json.dumps({"format": FORMAT, "version": 1, "conversations": {}}), "at conversations"),
        (document(extra=1), r"conversations\[0\]\.extra"),
        (document(title=5), r"conversations\[0\]\.title"),
        (document(updated="now"), r"conversations\[0\]\.updated"),
        (document(id="<b>"), r"conversations\[0\]\.id"),
        (document(messages=[{"role": "model", "versions": [{"text": ""}]}]), r"messages\[0\]\.role"),
        (document(messages=[{"role": "assistant", "versions": [{"text": ""}]}]), r"messages\[0\].*alternate"),
        (document(messages=[{"role": "user", "versions": [{"text": ""}]}] * 2), r"messages\[1\].*alternate"),
        (document(messages=[{"role": "user", "versions": []}]), r"messages\[0\]\.versions"),
        (document(messages=[{"role": "user", "versions": [{"text": ""}] * 101}]), r"messages\[0\]\.versions"),
        (document(messages=[{"role": "user", "versions": [{"text": ""}], "chosen": 1}]), "chosen: it is 1"),
        (document(messages=[{"role": "user", "versions": [{"text": None}]}]), r"versions\[0\]\.text"),
        (
            document(messages=[{"role": "user", "versions": [{"text": "", "parameters": {"a": {"b": 1}}}]}]),
            "parameters",
        ),
        (document(messages=[{"role": "user", "versions": [{"text": ""}]}] * 1001), "at most 1000"),
        ('"' + "x" * MAX_BYTES + '"', "5.0 MB"),
    ],
)
def test_anything_else_is_refused_with_the_place_and_the_next_step(text: str | bytes, says: str) -> None:
    with pytest.raises(ConversationError, match=says) as raised:
        from_json(text)
    assert raised.value.remedy


@given(st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)))
def test_no_json_raises_anything_but_a_conversation_error(value: object) -> None:
    for data in (value, {"format": FORMAT, "version": 1, "conversations": value}):
        try:
            assert from_json(json.dumps(data)) == ()
        except ConversationError as error:
            assert str(error)


def test_escaped_surrogates_and_control_characters_are_cleaned_on_the_way_in() -> None:
    text = document(title="\ud800").replace('"hi"', r'"a\ud83db\u0000"')
    (conversation,) = from_json(text)
    assert conversation.title == "\ufffd"
    assert conversation.messages[0].text == "a\ufffdb"


def test_an_id_that_exists_gets_a_new_one() -> None:
    one = new_conversation(0.0, "a" * 64)
    read = from_json(to_json([one, one]), taken={one.id})
    assert len({one.id, *(c.id for c in read)}) == 3
    assert from_json(to_json(read)) == read


def rendered(text: str) -> str:
    return MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(text)


def quoted_only(text: str) -> str:
    conversation = replace(with_user(new_conversation(0.0, "a"), text), title="Title")
    return rendered(to_markdown(conversation))


@pytest.mark.parametrize(
    "text",
    ["# heading", "heading\n===", "a\n---", "<script>x</script>", "[a](http://b)", "![a](b)", "```\ncode", "    code",
     "1. one", "- one", "> quote", "| a | b |\n|---|---|\n| 1 | 2 |", "*a* _b_ **c** ~~d~~ `e`", "&lt;", "<http://a.b>",
     "a\\", "\\# b", "# a #", "***", "+ x", "10) y", "<!-- x"],
)  # fmt: skip
def test_no_text_becomes_structure(text: str) -> None:
    html = quoted_only(text)
    allowed = {"h1", "h2", "blockquote", "p", "br"}
    tags = {part.split(">")[0].strip("/ ").split(" ")[0] for part in html.split("<")[1:]}
    assert tags <= allowed
    assert html.count("<h1>") == 1
    assert html.count("<h2>") == 1
    assert html.count("<blockquote>") == 1


@given(st.text(st.sampled_from("ab1.)#*_-+=>< \n\t`~[]()!|\\&;:$/@"), max_size=30))
def test_a_reader_of_the_rendered_page_sees_the_text_that_was_written(text: str) -> None:
    text = text if text.strip() else "x"
    tokens = MarkdownIt("gfm-like", {"linkify": False, "html": True}).parse(
        to_markdown(replace(with_user(new_conversation(0.0, "a"), text), title="Title"))
    )
    begin = next(i for i, token in enumerate(tokens) if token.type == "blockquote_open")
    end = next(i for i, token in enumerate(tokens) if token.type == "blockquote_close")
    kinds = {token.type for token in tokens[begin + 1 : end]}
    assert kinds <= {"paragraph_open", "inline", "paragraph_close"}
    shown = []
    for token in tokens[begin:end]:
        for child in token.children or []:
            assert child.type in {"text", "hardbreak", "text_special"}
            shown.append("\n" if child.type == "hardbreak" else child.content)
        shown.append("\n" if token.type == "paragraph_close" else "")
    seen = [line.replace("\xa0", " ").rstrip() for line in "".join(shown).split("\n") if line.strip()]
    meant = [line.replace("\xa0", " ").rstrip() for line in text.split("\n") if line.strip()]
    leading = [line[: len(line) - len(line.lstrip())].replace("\t", "    ") + line.lstrip() for line in meant]
    assert seen == leading


def test_markdown_names_the_checkpoint_the_parameters_and_the_version() -> None:
    answer = Message("assistant", (Version("one"), Version("two", "0.3 s", {"seed": 7})), 1)
    conversation = replace(with_user(new_conversation(0.0, "a"), "hi"), checkpoint="my-model", system="be kind")
    text = to_markdown(replace(conversation, messages=(*conversation.messages, answer)))
    for part in ("Checkpoint: my-model", "> be kind", "> two", "Version 2 of 2", "seed 7", "0.3 s"):
        assert part in text
    assert "one" not in text
