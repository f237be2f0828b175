"""The training stream: the same every time, and never a held-out row."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from t5gemma_app.training.demo.facts.smalltalk import SMALL_TALK
from t5gemma_app.training.demo.facts.unknown import DONT_KNOW
from t5gemma_app.training.demo.heldout import COUNTS, held_out, written_question
from t5gemma_app.training.demo.mixture import AGAIN_SHARES, EARLY_SHARES, LAST_SHARES, LATE_SHARES, Mixture
from t5gemma_app.training.demo.skills.closed import FACTS

SEED = 7


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9+*=-]+", " ", text.lower()).strip()


def test_a_chunk_depends_on_seed_and_number_alone() -> None:
    assert Mixture(SEED).chunk(3, 200) == Mixture(SEED).chunk(3, 200)
    assert Mixture(SEED).chunk(3, 200) != Mixture(SEED).chunk(4, 200)
    assert Mixture(SEED).chunk(3, 200) != Mixture(SEED + 1).chunk(3, 200)


def test_every_skill_is_trained_and_measured() -> None:
    trained = {row.skill for row in Mixture(SEED).chunk(0, 2000)}
    assert trained == set(EARLY_SHARES) == set(LATE_SHARES) == set(LAST_SHARES) == set(AGAIN_SHARES)
    assert Counter(row.skill for row in held_out(SEED)) == COUNTS
    assert sum(COUNTS.values()) == 500


@pytest.mark.parametrize("seed", [SEED, 8])
def test_no_held_out_prompt_is_ever_trained(seed: int) -> None:
    """Compared by words alone, so that neither case nor marks nor spaces hide an overlap."""
    mixture = Mixture(seed)
    asked = {(_key(written_question(row))) for row in held_out(seed)}
    last_asked = {_key(row.turns[-1].text) for row in held_out(seed) if len(row.turns) == 1}
    for number in (0, 1, 30, 64, 65, 66):
        rows = mixture.chunk(number, 8000)
        assert not asked & {_key(written_question(row)) for row in rows}
        assert not last_asked & {_key(row.turns[-1].text) for row in rows}


def test_held_out_prompts_are_fixed_and_different() -> None:
    rows = held_out(SEED)
    assert rows == held_out(SEED)
    assert len({written_question(row) for row in rows}) == len(rows)


def test_no_question_has_two_answers() -> None:
    asked = Counter(question.lower() for fact in (*FACTS, *SMALL_TALK) for question in fact.questions)
    assert [question for question, count in asked.items() if count > 1] == []


def test_a_data_folder_adds_questions_to_decline(tmp_path: Path) -> None:
    rows = [
        {"prompt": "who directed the film about the blue zebra?", "response": "nobody"},
        {"prompt": "what is the capital of peru?", "response": "Lima"},
    ]
    file = tmp_path / "webquestions-train.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    made = Mixture(SEED, tmp_path).chunk(0, 6000)
    declined = [row for row in made if "blue zebra" in row.turns[-1].text.lower()]
    assert declined
    assert {row.answer for row in declined} == {DONT_KNOW}
    assert not any(
        row.answer == DONT_KNOW and "peru" in row.turns[-1].text.lower() and "capital" in row.turns[-1].text
        for row in made
    )
