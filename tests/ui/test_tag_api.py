"""`/tag` and `/embed` as programs see them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from t5gemma_app.ui.tag_api import MOST_TEXTS, TagEndpoints, build_tag_endpoints
from tests.ui.fakes import DEMO, TAGGER, fake_services
from tests.ui.naming import NamingEngine


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    engine = NamingEngine(reply=lambda prompt, _: "Mia\nZed" if "person" in prompt else "none")
    services = fake_services(tmp_path_factory.mktemp("data"), engine, (TAGGER,))
    with gr.Blocks(analytics_enabled=False) as blocks:
        build_tag_endpoints(services)
    blocks.queue(api_open=False)
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False)
    yield Client(address, verbose=False)
    blocks.close()


def test_every_argument_but_the_first_has_a_default(client: Client) -> None:
    api: Any = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    taken = {name: [p["parameter_name"] for p in api[name]["parameters"]] for name in ("/tag", "/embed")}
    assert taken == {
        "/tag": [
            "text",
            "checkpoint",
            "labels",
            "aggregation",
            "threshold",
            "scheme",
            "occurrences",
            "tokens",
            "random_head",
        ],
        "/embed": ["text", "checkpoint", "pooling"],
    }
    for name in taken:
        defaults = [p["parameter_has_default"] for p in api[name]["parameters"]]
        assert defaults == [False] + [True] * (len(defaults) - 1)


def test_a_text_is_tagged(client: Client) -> None:
    found = client.predict("Mia is in Oslo.", api_name="/tag")
    assert [(s["text"], s["label"], s["start"], s["end"]) for s in found["spans"]] == [
        ("Mia", "person", 0, 3),
        ("Oslo", "place", 10, 14),
    ]
    assert len(client.predict("Mia is in Oslo.", threshold=0.9, api_name="/tag")["spans"]) == 1


def test_given_words_get_one_tag_each(client: Client) -> None:
    found = client.predict("", tokens=["Ada", "Lovelace", "wrote"], api_name="/tag")
    assert found["tags"] == ["B-person", "I-person", "O"] and found["text"] == "Ada Lovelace wrote"


def test_labels_are_asked_for(client: Client) -> None:
    found = client.predict("Mia met Mia.", labels=["person", "place"], occurrences="first", api_name="/tag")
    assert [(s["start"], s["score"]) for s in found["spans"]] == [(0, None)]
    assert found["dropped"] == [{"label": "person", "text": "Zed"}]


def test_texts_become_vectors(client: Client) -> None:
    one, same, other = client.predict(["late ferry", "Late ferry", "bread"], api_name="/embed")
    assert one == same and math.hypot(*one) == pytest.approx(1)
    assert sum(a * b for a, b in zip(one, other, strict=True)) < 0.5
    assert client.predict("late ferry", TAGGER.name, "last", api_name="/embed") == [one]


@pytest.mark.parametrize(
    ("endpoint", "sent", "words"),
    [
        ("/tag", {"text": ""}, "The text is empty"),
        ("/tag", {"text": "x", "checkpoint": DEMO.name}, "has no token head"),
        ("/tag", {"text": "x", "checkpoint": "nothing"}, "There is no checkpoint"),
        ("/tag", {"text": "x", "threshold": 7}, "threshold is 7"),
        ("/tag", {"text": "x", "labels": "a", "occurrences": "some"}, "occurrences are 'some'"),
        ("/tag", {"text": "x", "labels": "a, ,b"}, "Label 2 of 3 is empty"),
        ("/tag", {"text": "x", "tokens": ["a", " "]}, "Token 2 is blank"),
        ("/embed", {"text": ["a", ""]}, "Text 2 is empty"),
        ("/embed", {"text": "a", "pooling": "max"}, "no pooling"),
        ("/embed", {"text": ["a"] * (MOST_TEXTS + 1)}, "There are 1,001 texts"),
    ],
)
def test_what_is_wrong_is_said(client: Client, endpoint: str, sent: dict[str, Any], words: str) -> None:
    with pytest.raises(AppError, match=words):
        client.predict(**sent, api_name=endpoint)


def test_without_a_head_the_endpoint_says_what_to_do(tmp_path: Any) -> None:
    with pytest.raises(gr.Error, match="no checkpoint with a token head"):
        TagEndpoints(fake_services(tmp_path)).tag("x")
