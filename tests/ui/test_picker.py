from __future__ import annotations

import gradio as gr
import pytest

from t5gemma_app.ui.picker import Picker, opened, refreshed
from tests.ui.fakes import DEMO


def pickers() -> list[Picker]:
    return [
        Picker("classify", gr.Dropdown(["old"]), lambda: [("A head · 3 M", "head"), ("old", "old")]),
        Picker("tag", gr.Dropdown([]), lambda: []),
    ]


def test_the_tab_opens_with_the_checkpoint_chosen():
    classify, tag, tabs = opened(pickers(), {"tab": "classify", "run": "head"})
    assert tabs.selected == "classify"
    assert classify["value"] == "head"
    assert ("A head · 3 M", "head") in classify["choices"]
    assert tag == gr.skip()


def test_a_checkpoint_that_is_gone_is_not_chosen():
    classify, _, _ = opened(pickers(), {"tab": "classify", "run": "deleted"})
    assert "value" not in classify


def test_a_list_that_is_refreshed_keeps_what_is_chosen_there():
    choices = [("A head · 3 M", "head"), (DEMO.name, DEMO.name)]
    assert "value" not in refreshed(choices, "head", DEMO)
    assert refreshed(choices, "deleted", DEMO)["value"] == DEMO.name
    assert refreshed([], "deleted", None)["value"] is None


@pytest.mark.parametrize("sent", [None, "tag", {}, {"tab": "train", "run": "head"}, {"tab": ["tag"]}])
def test_other_wishes_open_nothing(sent):
    assert opened(pickers(), sent) == [gr.skip()] * 3
