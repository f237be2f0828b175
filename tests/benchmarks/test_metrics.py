import random
import re
from collections import Counter

import numpy as np
import pytest

from t5gemma_app.benchmarks import metrics, squad

CASES = 1000


def oracle_f1(gold: list[int], predicted: list[int], of: int) -> float:
    """F1 by precision and recall, spelt out."""
    hits = sum(g == of and p == of for g, p in zip(gold, predicted, strict=True))
    if hits == 0:
        return 0.0
    precision, recall = hits / predicted.count(of), hits / gold.count(of)
    return 2 * precision * recall / (precision + recall)


def cases(classes: int):
    """Random labels; a third of the cases hold one class only on one side, and some one answer only."""
    generator = random.Random(classes)
    for number in range(CASES):
        size = generator.randint(1, 12)
        gold = [generator.randrange(classes) for _ in range(size)]
        predicted = [generator.randrange(classes) for _ in range(size)]
        if number % 6 == 0:
            gold = [gold[0]] * size
        if number % 6 == 1:
            predicted = [predicted[0]] * size
        yield gold, predicted


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_class_metrics_equal_their_definitions(classes: int):
    for gold, predicted in cases(classes):
        f1s = [oracle_f1(gold, predicted, of) for of in range(classes)]
        assert metrics.macro_f1(gold, predicted, classes) == pytest.approx(sum(f1s) / classes)
        assert metrics.accuracy(gold, predicted) == pytest.approx(
            np.mean([g == p for g, p in zip(gold, predicted, strict=True)])
        )
        if classes == 2:
            assert metrics.f1a(gold, predicted) == pytest.approx(f1s[1])


def test_class_metrics_equal_scikit_learn_where_it_is_installed():
    learn = pytest.importorskip("sklearn.metrics", reason="scikit-learn is no part of the project's environment")
    for gold, predicted in cases(3):
        expected = learn.f1_score(gold, predicted, labels=range(3), average="macro", zero_division=0)
        assert metrics.macro_f1(gold, predicted, 3) == pytest.approx(expected)
        assert metrics.accuracy(gold, predicted) == pytest.approx(learn.accuracy_score(gold, predicted))
    for gold, predicted in cases(2):
        assert metrics.f1a(gold, predicted) == pytest.approx(learn.f1_score(gold, predicted, zero_division=0))


def test_exact_match_asks_for_every_answer_of_a_question():
    generator = random.Random(5)
    for gold, predicted in cases(2):
        questions = [generator.randrange(4) for _ in gold]
        wrong = {q for q, g, p in zip(questions, gold, predicted, strict=True) if g != p}
        expected = 1 - len(wrong) / len(set(questions))
        assert metrics.exact_match(questions, gold, predicted) == pytest.approx(expected)


def oracle_squad_f1(prediction: str, gold: str) -> float:
    left, right = oracle_words(prediction), oracle_words(gold)
    if not left or not right:
        return float(left == right)
    shared = sum(min(left.count(word), right.count(word)) for word in set(left))
    if shared == 0:
        return 0.0
    precision, recall = shared / len(left), shared / len(right)
    return 2 * precision * recall / (precision + recall)


def oracle_words(text: str) -> list[str]:
    letters = re.sub(r"[!-/:-@\[-`{-~]", "", text.lower())
    return [word for word in letters.split() if word not in ("a", "an", "the")]


def test_answers_are_compared_as_squad_compares_them():
    generator = random.Random(1)
    words = ["The", "a", "an", "cat", "Cat.", "dog's", "dog", "x-y", "U.S.", "", "É", "--"]
    for _ in range(CASES):
        texts = [" ".join(generator.choices(words, k=generator.randint(0, 4))) for _ in range(4)]
        prediction, golds = texts[0], texts[1:]
        scores = squad.best(prediction, golds)
        assert scores["f1"] == pytest.approx(max(oracle_squad_f1(prediction, gold) for gold in golds))
        assert scores["em"] == max(oracle_words(prediction) == oracle_words(gold) for gold in golds)


def test_texts_are_averaged_each_against_its_best_answer():
    scores = metrics.best_texts(["the Cat", "dog house", ""], [["cat", "x"], ["dog"], ["y"]])
    assert scores["em"] == pytest.approx(1 / 3)
    assert scores["f1"] == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert Counter(metrics.best_texts([], [])) == Counter({"f1": None, "em": None})


def test_nothing_counted_is_none_and_not_zero():
    assert metrics.accuracy([], []) is None
    assert metrics.macro_f1([], [], 3) is None
    assert metrics.f1a([], []) is None
    assert metrics.exact_match([], [], []) is None


def test_a_number_of_no_class_is_refused():
    with pytest.raises(ValueError, match="none of 3 classes"):
        metrics.class_counts([0], [-1], 3)


def test_values_of_many_sums_come_at_once():
    draws = np.stack([metrics.class_counts(gold, predicted, 3) for gold, predicted in cases(3)])
    one_by_one = [metrics.macro_f1(gold, predicted, 3) for gold, predicted in cases(3)]
    assert metrics.mean_f1(draws) == pytest.approx(one_by_one)
