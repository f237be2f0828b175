from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.checkpoints.records import Checkpoint, Stack
from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.engine.types import (
    Finished,
    GenerationResult,
    GenerationStatistics,
    Piece,
    SamplingParameters,
    TextDelta,
)
from t5gemma_app.errors import InputError
from t5gemma_app.tasks.chat import PRESETS, Chat, fit_turns, preset_named, what_was_sent
from t5gemma_app.tasks.turns import Turn, fold_system, write_turns

ENGINE = FakeEngine()


def stack(positions: int) -> Stack:
    return Stack(2, 8, 16, 2, 2, 4, 100, positions, 64, 1, 50.0)


def checkpoint(stage: str = "instruction-tuned", positions: int = 100, head: str = "none") -> Checkpoint:
    return Checkpoint("tiny", "local", "/tiny", encoder=stack(positions), decoder=stack(64), stage=stage, head=head)


def talk(count: int, words: int = 3) -> list[Turn]:
    roles = ("user", "assistant")
    return [Turn(roles[i % 2], " ".join([f"t{i}"] * words)) for i in range(count)]


class Counter:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, pieces: Sequence[Piece]) -> int:
        self.calls += 1
        return ENGINE.count_tokens(checkpoint(), pieces)


def naive(turns: list[Turn], system: str, limit: int) -> list[Turn]:
    kept = turns
    while Counter()(write_turns(fold_system(kept, system))) > limit:
        kept = kept[2:]
    return kept


@given(st.integers(0, 12), st.lists(st.integers(1, 20), min_size=13, max_size=13), st.integers(40, 300), st.booleans())
def test_fitting_equals_dropping_the_oldest_exchange_until_it_fits(exchanges, words, limit, with_system) -> None:
    turns = [Turn(("user", "assistant")[i % 2], "w " * words[i // 2]) for i in range(2 * exchanges + 1)]
    system = "be kind" if with_system else ""
    count = Counter()
    fitted = fit_turns(turns, system, limit, count)
    kept = naive(turns, system, limit)
    assert fitted.pieces == write_turns(fold_system(kept, system))
    assert (fitted.turns_kept, fitted.turns_dropped) == (len(kept), len(turns) - len(kept))
    assert fitted.tokens == Counter()(fitted.pieces) <= limit
    assert count.calls <= 6


def test_a_conversation_that_fits_is_counted_once_and_nothing_is_dropped() -> None:
    count = Counter()
    fitted = fit_turns(talk(5), "", 1000, count)
    assert count.calls == 1
    assert fitted.turns_dropped == 0
    assert fitted.sentence() == f"{fitted.tokens} of 1,000 tokens"


def test_what_is_sent_begins_with_a_user_turn_that_carries_the_system_text() -> None:
    fitted = fit_turns(talk(7, 10), "be kind", 60, Counter())
    assert fitted.turns_dropped == 4
    assert what_was_sent(fitted).startswith("<bos><start_of_turn>user\nbe kind\n\nt4 t4")
    assert fitted.sentence().endswith("of 60 tokens, 3 of 7 turns kept")


def test_an_answer_without_its_question_is_dropped() -> None:
    fitted = fit_turns([Turn("assistant", "hello"), Turn("user", "hi")], "", 100, Counter())
    assert "hello" not in what_was_sent(fitted)
    assert fitted.turns_dropped == 1


def test_a_last_message_that_is_too_long_is_refused_with_the_numbers() -> None:
    with pytest.raises(InputError, match=r"2,00\d tokens.*takes 1,000"):
        fit_turns([*talk(4), Turn("user", "w " * 2000)], "", 1000, Counter())
    with pytest.raises(InputError, match="and the system text have"):
        fit_turns(talk(1), "w " * 2000, 1000, Counter())
    with pytest.raises(InputError, match=r"2,001 tokens"):
        fit_turns([Turn("user", "w " * 2000)], "w " * 5000, 1000, Counter(), raw=True)


def test_a_conversation_must_end_with_the_users_turn() -> None:
    for turns in ([], talk(2)):
        with pytest.raises(InputError, match="no message to answer"):
            fit_turns(turns, "", 100, Counter())


def chat(max_text: int = 1000, max_new_tokens: int = 50) -> Chat:
    return Chat(FakeEngine(), max_text, max_new_tokens)


def test_an_answer_streams_and_its_pieces_are_its_text() -> None:
    fitted, answer = chat().start(checkpoint(), [Turn("user", "one two\x00")], "", SamplingParameters())
    events = list(answer)
    assert fitted.notice == ""
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "You said: one two"
    assert isinstance(events[-1], Finished)
    assert events[-1].result.text == "You said: one two"


def test_a_pretrained_checkpoint_gets_the_last_message_as_it_is_and_the_person_is_told() -> None:
    fitted = chat().fit(checkpoint("pretrained"), [*talk(2), Turn("user", " go on ")], "be kind")
    assert fitted.pieces == (Piece("<bos>", control=True), Piece(" go on "))
    assert fitted.turns_dropped == 2
    assert "only pretrained" in fitted.notice
    assert "system text" in fitted.notice


def test_turns_are_sent_where_nothing_is_known_of_the_training_and_the_person_is_told() -> None:
    fitted = chat().fit(checkpoint("unknown"), talk(1))
    assert what_was_sent(fitted).endswith("<start_of_turn>model\n")
    assert "not known" in fitted.notice
    assert chat().fit(checkpoint("unknown"), talk(1), raw=True).pieces[1] == Piece("t0 t0 t0")


def test_the_encoder_sets_the_limit() -> None:
    assert chat().fit(checkpoint(positions=77), talk(1)).limit == 77
    assert chat().fit(Checkpoint("hub", "hub", "a/b"), talk(1)).limit == 8192


def test_the_servers_limit_cuts_the_wish_for_a_long_answer() -> None:
    _, answer = chat(max_new_tokens=3).start(checkpoint(), talk(1), "", SamplingParameters(max_new_tokens=40))
    *_, last = answer
    assert last.result.finish_reason == "length"
    assert last.result.text == "You said: t0"


@pytest.mark.parametrize(
    ("turns", "system", "says"),
    [
        ([Turn("user", " \n\x00")], "", "is empty"),
        ([Turn("user", "x" * 1001)], "", "The message has 1,001 characters.*takes 1,000"),
        ([Turn("user", "x")], "x" * 1001, "The system text has 1,001"),
        ([Turn("user", "x"), Turn("assistant", "y")], "", "no message to answer"),
        ([], "", "no message to answer"),
    ],
)
def test_messages_that_cannot_be_answered_are_refused_before_the_engine_is_asked(turns, system, says) -> None:
    asked = chat()
    with pytest.raises(InputError, match=says):
        asked.start(checkpoint(), turns, system, SamplingParameters())
    assert asked.engine.requests == []


def test_a_classifier_and_a_bad_parameter_are_refused() -> None:
    with pytest.raises(InputError, match="classification head"):
        chat().start(checkpoint(head="sequence"), talk(1))
    with pytest.raises(InputError, match="temperature is 9"):
        chat().start(checkpoint(), talk(1), "", SamplingParameters(temperature=9))


def result(reason: str = "stop", speed: float = 42.04) -> GenerationResult:
    return GenerationResult("x", (1,), reason, GenerationStatistics(57, 96, 0.3123, speed, "cpu", "float32", "sdpa", 7))


def test_the_note_says_time_speed_lengths_seed_and_place() -> None:
    expected = "0.31 s to first token · 42.0 tokens/s · 57 tokens in, 96 out · seed 7 · cpu · float32 · sdpa"
    assert chat().note(result()) == expected
    assert chat().note(result("length")) == f"{expected} · cut at the length limit"
    assert chat().note(result("cancelled")) == f"{expected} · stopped"
    assert "tokens/s" not in chat().note(result(speed=0.0))


def test_presets_are_valid_and_found_by_name() -> None:
    for preset in PRESETS:
        assert preset.parameters.checked() is preset.parameters
        assert preset_named(preset.name.upper()) is preset
    assert PRESETS[0].parameters.greedy
    with pytest.raises(InputError, match="Greedy, Precise"):
        preset_named("wild")
