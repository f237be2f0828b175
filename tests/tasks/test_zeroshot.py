from __future__ import annotations

import math
from dataclasses import replace

import pytest

from t5gemma_app.checkpoints.folder import read_folder
from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.engine.local import LocalEngine
from t5gemma_app.engine.types import ChoiceScore, HeadInput
from t5gemma_app.settings import Settings
from t5gemma_app.tasks.labels import NONE
from t5gemma_app.tasks.turns import written
from t5gemma_app.tasks.verdicts import Unread, Verdict
from t5gemma_app.tasks.wordings import read_wording
from t5gemma_app.tasks.zeroshot import CONTENT_FREE, ZeroShot
from tests.tiny import save_tiny
from tests.ui.fakes import DEMO, OTHER

LABELS = ("sport", "politics", "fine arts")


class Scripted(FakeEngine):
    """Scores by a function of context and choice, and remembers what it was asked."""

    def __init__(self, score) -> None:
        super().__init__()
        self._by = score
        self.asked = []

    def score(self, checkpoint, requests, *, budget=None, urgent=False, visitor=""):
        self.asked += requests
        texts = [r.context if isinstance(r.context, str) else written(r.context) for r in requests]
        return [
            tuple(ChoiceScore(self._by(text, c), len(c.split())) for c in request.choices)
            for text, request in zip(texts, requests, strict=True)
        ]


def classifier(engine, checkpoint=OTHER, wording="topic", **wishes):
    several = wishes.get("several", False)
    return ZeroShot(engine, checkpoint, LABELS, read_wording(wording, several=several), **wishes)


def verdict(found):
    assert isinstance(found, Verdict)
    return found


def test_labels_compete_and_their_shares_add_up():
    engine = Scripted(lambda text, choice: {" sport": -1.0, " politics": -2.0, " fine arts": -3.0}[choice])
    found = verdict(classifier(engine).classify([HeadInput("Some text")])[0])
    assert found.chosen == ("sport",) and found.label == "sport"
    assert sum(score.probability for score in found.scores) == pytest.approx(1)
    assert found.margin == pytest.approx(found.scores[0].probability - found.scores[1].probability)
    assert [score.logprob for score in found.scores] == [-1.0, -2.0, -3.0]
    assert len(engine.asked) == 1 and engine.asked[0].context == "Some text\n\nTopic:"


def test_length_is_taken_out_on_demand():
    engine = Scripted(lambda text, choice: -2.5 if choice == " fine arts" else -1.5)
    assert verdict(classifier(engine).classify([HeadInput("x")])[0]).label != "fine arts"
    assert verdict(classifier(engine, normalise=True).classify([HeadInput("x")])[0]).label == "fine arts"


def test_a_label_that_begins_another_is_told_and_compared_whole_on_demand(tiny):
    engine, checkpoint = tiny
    labels = ("the", "the end", "sport")
    for stage in ("pretrained", "instruction-tuned"):
        told = ZeroShot(engine, replace(checkpoint, stage=stage), labels, read_wording("topic"))
        assert "“the” begins “the end”" in told.notes[-1]
        assert "begins" not in "".join(replace(told, whole=True).notes + replace(told, labels=("a b", "c")).notes)
        open_ended, whole = (
            {score.label: score for score in verdict(one.classify([HeadInput("x")])[0]).scores}
            for one in (told, replace(told, whole=True))
        )
        assert open_ended["the"].logprob > open_ended["the end"].logprob
        assert all(whole[label].logprob < open_ended[label].logprob for label in labels)
        assert all(whole[label].tokens == open_ended[label].tokens + 1 for label in labels)


def test_calibration_takes_off_what_is_probable_anyway():
    def score(text, choice):
        bias = {" sport": 0.0, " politics": -5.0, " fine arts": -5.0}[choice]
        return bias + (3.0 if "vote" in text and choice == " politics" else 0.0)

    engine = Scripted(score)
    plain, calibrated = classifier(engine), classifier(engine, calibrate=True)
    assert verdict(plain.classify([HeadInput("a vote")])[0]).label == "sport"
    found = verdict(calibrated.classify([HeadInput("a vote")])[0])
    assert found.label == "politics"
    even = verdict(calibrated.classify([HeadInput("nothing")])[0])
    assert [score.probability for score in even.scores] == pytest.approx([1 / 3] * 3)
    contexts = [request.context for request in engine.asked]
    assert all(contexts.count(f"{text}\n\nTopic:") == 1 for text in CONTENT_FREE)  # read once, not for every call


def test_none_of_these_competes_and_can_win():
    engine = Scripted(lambda text, choice: 0.0 if choice == f" {NONE}" else -4.0)
    found = verdict(classifier(engine, none=True).classify([HeadInput("x")])[0])
    assert found.chosen == () and found.label == NONE
    assert found.none_probability == pytest.approx(1 - sum(score.probability for score in found.scores))
    assert found.probability_of(NONE) == found.none_probability


def test_several_labels_are_asked_for_one_by_one():
    def score(text, choice):
        fits = "sport" in text or "politics" in text
        return math.log(0.9 if (choice == " Yes") == fits else 0.1)

    engine = Scripted(score)
    found = verdict(classifier(engine, wording="", several=True).classify([HeadInput("x")])[0])
    assert found.chosen == ("sport", "politics") and found.label == "sport; politics"
    assert [score.probability for score in found.scores] == pytest.approx([0.9, 0.9, 0.1])
    strict = classifier(engine, wording="", several=True, threshold=0.95)
    assert verdict(strict.classify([HeadInput("x")])[0]).label == NONE


def test_a_chat_checkpoint_is_asked_in_turns():
    engine = Scripted(lambda text, choice: -1.0)
    classifier(engine, DEMO).classify([HeadInput("The text", "and more")])
    (request,) = engine.asked
    assert written(request.context) == (
        "<bos><start_of_turn>user\nThe text\n\nand more\n\nTopic:<end_of_turn>\n<start_of_turn>model\n"
    )
    assert request.choices == LABELS


def test_a_text_that_is_too_long_is_said():
    engine = Scripted(lambda text, choice: math.nan if "long" in text else -1.0)
    long, short = classifier(engine).classify([HeadInput("long"), HeadInput("x")])
    assert isinstance(long, Unread) and "512 tokens" in long.why
    assert isinstance(short, Verdict)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = save_tiny(tmp_path_factory.mktemp("zeroshot") / "tiny", strength=3.0)
    engine = LocalEngine(Settings(offline=True))
    yield engine, read_folder(folder)
    engine.close()


@pytest.mark.parametrize("stage", ["pretrained", "instruction-tuned"])
def test_alone_and_together_say_the_same(tiny, stage):
    engine, checkpoint = tiny
    checkpoint = replace(checkpoint, stage=stage)
    classify = ZeroShot(engine, checkpoint, LABELS, read_wording("topic"), calibrate=True).classify
    inputs = [HeadInput("word " * n) for n in range(1, 12)]
    together = [verdict(found) for found in classify(inputs)]
    for one, found in zip(inputs, together, strict=True):
        alone = verdict(classify([one], urgent=True)[0])
        assert [s.probability for s in alone.scores] == pytest.approx([s.probability for s in found.scores], abs=1e-5)
