"""Training as HTML: words of people and files stay text, and each state has its words and buttons."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from t5gemma_app.training.following import Judged, Outcome, Reached, TrainProgress
from t5gemma_app.training.jobs import DataFacts, TrainJob, TrainOrder, TrainState
from t5gemma_app.training.plan import Plan
from t5gemma_app.ui.train_view import (
    TrainView,
    facts_html,
    preview_html,
    runs_html,
    sentence_html,
    state_words,
)

BAD = "<script>x</script>"
FACTS = DataFacts(90, 10, True, 2, (("good", 50), (BAD, 40)), 12, 0.55, 80)
JOB = TrainJob(TrainOrder("mine", "base", "classify", plan=Plan(steps=100)), Path("/a/mine"), FACTS, 0.0, "rows.csv")
GOING = TrainProgress(40, 100, ((1.0, 2.0), (40.0, 1.0)), (Judged(25, 1.5, 0.6),), "accuracy", 25, 0.5)
DONE = Outcome(100, 75, 61.0, (Reached("accuracy", 0.8, 10, 0.5, 0.95, 0.55),))


def view(state: TrainState, progress: TrainProgress = GOING, **more: object) -> TrainView:
    return TrainView(replace(JOB, state=state), progress, **more)  # type: ignore[arg-type]


def test_an_order_is_a_sentence() -> None:
    html = sentence_html("base", "classify", f"rows {BAD}", "mine")
    assert "Teach <b>base</b> to <b>label texts</b>" in html and BAD not in html
    assert "SuperGLUE&#x27;s cb" in sentence_html("base", "superglue:cb", "", "")
    assert "Choose a checkpoint" in sentence_html("", "chat", "", "")


def test_what_the_rows_are_like() -> None:
    html = facts_html(FACTS, 300)
    assert "90 rows" in html and "10 to be judged by, held out, 2 of them" in html and "300 steps" in html
    assert "would reach 55.0%" in html and "and 10 more" in html and BAD not in html


def test_the_first_rows_are_text_and_the_chosen_columns_come_first() -> None:
    rows = [{"id": 1, "text": BAD, "tokens": ["a", "b"], "half": "\ud800"}]
    html = preview_html(rows, ["id", "text", "tokens", "half"], ["text"])
    assert BAD not in html and "a b" in html and html.index(">text<") < html.index(">id<")
    html.encode()
    assert preview_html([], [], []) == ""


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (view(TrainState.QUEUED, TrainProgress()), "waiting for its turn"),
        (view(TrainState.RUNNING, TrainProgress()), "being trained · reading rows and weights"),
        (view(TrainState.RUNNING), "being trained · step 40 of 100 · about 30 s left"),
        (view(TrainState.RUNNING, replace(GOING, step=100)), "step 100 of 100 · measuring what it reached"),
        (view(TrainState.RUNNING, ending=True), "ending after this step · step 40 of 100"),
        (view(TrainState.CANCELLED), "cancelled; it can go on · step 40 of 100"),
        (view(TrainState.DONE, outcome=DONE), "done · step 75 of 100 was the best · in 61 s"),
    ],
)
def test_where_a_run_is(shown: TrainView, words: str) -> None:
    assert words in state_words(shown)


def test_runs_have_curves_figures_and_the_buttons_of_their_state() -> None:
    html = runs_html([view(TrainState.RUNNING), view(TrainState.DONE, outcome=DONE)], steerable=True)
    assert html.count("<svg") == 8 and 'aria-valuenow="40"' in html
    assert "60.0%" in html and "[50.0, 95.0]" in html and "commonest label 55.0%" in html
    for act, count in (("cancel", 1), ("open", 1), ("remove", 1), ("resume", 0)):
        assert html.count(f'data-act="{act}"') == count
    assert 'data-tab="classify"' in html and "Open Classify: mine" in html
    watched = runs_html([view(TrainState.RUNNING), view(TrainState.DONE, outcome=DONE)], steerable=False)
    assert watched.count("data-act=") == 1 and "Open Classify" in watched


def test_a_failure_says_what_to_do_and_stays_text() -> None:
    failed = replace(JOB, state=TrainState.FAILED, failure=f"The loss is {BAD}. Lower the rate.")
    html = runs_html([TrainView(failed, TrainProgress())], steerable=True)
    assert BAD not in html and "<p>Lower the rate.</p>" in html and "Try again" in html and "<svg" not in html


def test_answers_are_judged_by_their_words() -> None:
    chat = replace(JOB, order=replace(JOB.order, task="chat"), state=TrainState.DONE)
    scores = (Reached("loss", 0.5, 100), Reached("token accuracy", 0.7, 100, 0.6, 0.8))
    html = runs_html([TrainView(chat, GOING, Outcome(9, 9, 1.0, scores))], steerable=True)
    assert "70.0%" in html and 'data-tab="chat"' in html


def test_the_empty_state_says_what_to_do() -> None:
    assert "bring a file" in runs_html([], steerable=True) and "bring a file" not in runs_html([], steerable=False)
