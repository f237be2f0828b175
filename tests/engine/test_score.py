from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.engine import score as scoring
from t5gemma_app.engine.attention import IMPLEMENTATION, register_attention
from t5gemma_app.engine.score import Question, Reading, plan_tree, read_questions, score_questions, score_readings
from t5gemma_app.engine.scoresession import ScoreSession
from t5gemma_app.engine.steps import at_once, exhaust
from t5gemma_app.engine.types import GenerationRequest, Piece, SamplingParameters, ScoringRequest, TextDelta
from t5gemma_app.errors import InputError
from tests.tiny import tiny_model

register_attention()
IDS = st.lists(st.integers(108, 400), min_size=1, max_size=6).map(tuple)
CONTEXTS = [f"the passage number {n} " + "in the end " * n for n in range(12)]
CHOICES = (" yes", " no", " yes always", " never")


def naive(model, context, answer):
    """One forward a choice with the whole softmax, as the textbook says."""
    with torch.inference_mode():
        logits = model(
            input_ids=torch.tensor([context]),
            attention_mask=torch.ones(1, len(context), dtype=torch.long),
            decoder_input_ids=torch.tensor([[2, *answer[:-1]]]),
        ).logits
    return float(torch.log_softmax(logits[0].double(), -1)[range(len(answer)), list(answer)].sum())


@given(st.lists(IDS, min_size=1, max_size=8).map(tuple))
def test_a_tree_holds_every_answer_once(answers):
    tree = plan_tree(answers, start=2)
    for answer, nodes in zip(answers, tree.places, strict=True):
        assert tuple(tree.ids[node] for node in nodes) == (2, *answer[:-1])
        assert [tree.depths[node] for node in nodes] == list(range(len(answer)))
        assert all(tree.parents[child] == parent for parent, child in pairwise(nodes))
    assert len(tree.ids) == len({(2, *answer[:end]) for answer in answers for end in range(len(answer))})


@given(st.lists(IDS, min_size=1, max_size=8).map(tuple))
def test_a_node_sees_itself_and_its_ancestors(answers):
    tree = plan_tree(answers, start=2)
    assert tree.sight().sum(dim=-1).tolist() == [depth + 1 for depth in tree.depths]
    for nodes in tree.places:
        assert tree.sight()[nodes[-1]].nonzero().flatten().tolist() == sorted(nodes)


def test_answers_that_differ_in_the_last_token_share_their_nodes():
    tree = plan_tree(((7, 8), (7, 9), (5,)), start=2)
    assert tree.ids == (2, 7)
    assert tree.places == ((0, 1), (0, 1), (0,))


@pytest.mark.parametrize(("positions", "words"), [(1, 100), (3, 7), (256, 4096)])
def test_equals_the_textbook(monkeypatch, positions, words):
    monkeypatch.setattr(scoring, "CPU_HEAD_POSITIONS", positions)
    monkeypatch.setattr(scoring, "HEAD_WORDS", words)
    model = tiny_model()
    rng = random.Random(0)
    draw = lambda n: tuple(rng.randrange(108, 400) for _ in range(n))  # noqa: E731
    questions = [Question((2, *draw(n)), tuple(draw(k) for k in (1, 1, 3, 14))) for n in (3, 30, 11)]
    questions.append(Question(questions[0].context, ((150, 151), (150, 152), (150, 151, 153))))
    model.set_attn_implementation(IMPLEMENTATION)
    scores = score_questions(model, questions)
    for question, values in zip(questions, scores, strict=True):
        assert values == pytest.approx([naive(model, question.context, a) for a in question.answers], abs=1e-4)


def test_the_head_pauses_between_parts_of_the_vocabulary(monkeypatch):
    monkeypatch.setattr(scoring, "HEAD_WORDS", 10)
    model = tiny_model()
    model.set_attn_implementation(IMPLEMENTATION)
    readings = exhaust(read_questions(model, [Question((2, 150, 160), ((150, 151), (152,)))]))
    pauses = sum(1 for _ in score_readings(model, readings))
    assert pauses >= model.config.vocab_size // (10 * scoring.PARTS_BETWEEN_PAUSES) > 3


def requests():
    return [ScoringRequest(context, CHOICES) for context in CONTEXTS]


@pytest.mark.parametrize("budget", [1, 400, 100_000])
def test_batches_and_order_change_nothing(engine, tiny, budget):
    expected = engine.score(tiny, requests())
    shuffled = requests()
    random.Random(1).shuffle(shuffled)
    scores = dict(zip([r.context for r in shuffled], engine.score(tiny, shuffled, budget=budget), strict=True))
    for context, row in zip(CONTEXTS, expected, strict=True):
        assert [c.logprob for c in scores[context]] == pytest.approx([c.logprob for c in row], abs=1e-5)
        assert [c.tokens for c in row] == [len(text) for text in CHOICES]


def test_a_context_asked_twice_is_encoded_once(engine, tiny, monkeypatch):
    seen = []
    original = scoring.padded
    monkeypatch.setattr(scoring, "padded", lambda rows, *rest: seen.append(len(rows)) or original(rows, *rest))
    same = [ScoringRequest(CONTEXTS[3], (choice,)) for choice in CHOICES]
    apart = engine.score(tiny, same)
    assert seen[0] == 1
    together = engine.score(tiny, [ScoringRequest(CONTEXTS[3], CHOICES)])
    assert [row[0] for row in apart] == list(together[0])


def test_a_context_that_is_too_long_is_not_a_number(engine, tiny):
    long, short = engine.score(tiny, [ScoringRequest("x" * 900, CHOICES), ScoringRequest("x", CHOICES)])
    assert all(math.isnan(choice.logprob) for choice in long)
    assert all(math.isfinite(choice.logprob) for choice in short)


def test_an_empty_answer_is_refused(engine, tiny):
    with pytest.raises(InputError, match="empty"):
        engine.score(tiny, [ScoringRequest("x", ("",))])


def test_a_batch_that_does_not_fit_is_halved():
    tried = []

    def read(questions):
        tried.append(len(questions))
        if len(questions) > 2:
            raise MemoryError
        return [
            Reading(torch.tensor([[float(question.context[0])]]), plan_tree(question.answers, 2), question.answers)
            for question in questions
        ]

    def score(readings):
        yield
        return [[reading.states.item()] for reading in readings]

    questions = [Question((n,), ((5,),)) for n in range(7)]
    session = ScoreSession(at_once(read), score, questions, [range(7)], lambda error: isinstance(error, MemoryError))
    while session.advance(short=False):
        pass
    assert [row[0].logprob for row in session.done.get()] == list(range(7))
    assert tried[0] == 7
    assert max(tried[3:]) <= 4


def test_answers_go_on_while_it_scores(engine, tiny):
    """A person's tokens come between the batches, not after the last one."""
    import threading

    many = [ScoringRequest(f"{n} {context}", CHOICES) for n in range(40) for context in CONTEXTS]
    finished = threading.Event()
    thread = threading.Thread(target=lambda: (engine.score(tiny, many, budget=1), finished.set()))
    thread.start()
    request = GenerationRequest(tiny, (Piece("<bos>", control=True), Piece("hi")), SamplingParameters(max_new_tokens=3))
    events = list(engine.generate(request))
    assert not finished.is_set()
    assert any(isinstance(event, TextDelta) for event in events)
    thread.join(120)
    assert finished.is_set()
