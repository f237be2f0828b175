"""Access states from the Hub's real answers, without the Hub."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import httpx2
import pytest
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled
from huggingface_hub.utils import hf_raise_for_status

from t5gemma_app.checkpoints.access import (
    TOKENS,
    AccessBoard,
    AccessState,
    access_of,
    classify,
    fits,
    refusal,
    three_steps,
)
from t5gemma_app.checkpoints.catalogue import google_checkpoints, hub_checkpoint
from t5gemma_app.checkpoints.memory import need_of
from t5gemma_app.checkpoints.placement import Device, DeviceFacts
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.settings import Secret, Settings

GATED = google_checkpoints()[0]
OTHERS = google_checkpoints()[1:4]
OPEN = hub_checkpoint("somebody/poems")
EMBEDDED = Checkpoint(name="demo", source="embedded", location="/app/demo")
TOKEN = "hf_averysecrettoken"
ONLINE = Settings(token=Secret(TOKEN))


def answer(status: int, code: str = "", message: str = "") -> Exception:
    """Return the error that huggingface_hub makes of an answer of the Hub."""
    headers = {name: value for name, value in (("X-Error-Code", code), ("X-Error-Message", message)) if value}
    request = httpx2.Request("HEAD", f"https://huggingface.co/{GATED.location}/resolve/main/config.json")
    try:
        hf_raise_for_status(httpx2.Response(status, headers=headers, request=request))
    except Exception as error:
        return error
    raise AssertionError(f"{status} is no error")


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


FINE_GRAINED = "Please enable access to public gated repositories in your fine-grained token settings to view this."


@pytest.mark.parametrize(
    ("error", "has_token", "state"),
    [
        (answer(401, "GatedRepo"), False, AccessState.TOKEN_MISSING),
        (answer(401, "GatedRepo"), True, AccessState.TOKEN_REJECTED),
        (answer(403, "GatedRepo"), True, AccessState.LICENCE_NOT_ACCEPTED),
        (answer(403, "GatedRepo", FINE_GRAINED), True, AccessState.TOKEN_REJECTED),
        (answer(403, "", FINE_GRAINED), True, AccessState.TOKEN_REJECTED),
        (answer(401, "", "Invalid credentials in Authorization header"), True, AccessState.TOKEN_REJECTED),
        (answer(401), False, AccessState.TOKEN_MISSING),
        (answer(401, "RepoNotFound"), False, AccessState.TOKEN_MISSING),
        (answer(404, "RepoNotFound"), True, AccessState.NOT_FOUND),
        (answer(404, "RepoNotFound"), False, AccessState.NOT_FOUND),
        (answer(404, "RevisionNotFound"), True, AccessState.NOT_FOUND),
        (answer(404, "EntryNotFound"), True, AccessState.NOT_FOUND),
        (answer(404), True, AccessState.NOT_FOUND),
        (answer(429), True, AccessState.OFFLINE),
        (answer(500), True, AccessState.OFFLINE),
        (answer(503), False, AccessState.OFFLINE),
        (httpx2.ConnectError("no route to host"), True, AccessState.OFFLINE),
        (httpx2.ReadTimeout("slow"), True, AccessState.OFFLINE),
        (OfflineModeIsEnabled("off"), True, AccessState.OFFLINE),
        (ConnectionResetError(), True, AccessState.OFFLINE),
        (LocalEntryNotFoundError("not here"), True, AccessState.OFFLINE),
        (caused(LocalEntryNotFoundError("x"), answer(403, "GatedRepo")), True, AccessState.LICENCE_NOT_ACCEPTED),
        (caused(LocalEntryNotFoundError("x"), httpx2.ConnectError("x")), True, AccessState.OFFLINE),
        (HFValidationError("two slashes"), True, AccessState.NOT_FOUND),
    ],
)
def test_what_the_hub_says_becomes_a_state(error: Exception, has_token: bool, state: AccessState) -> None:
    assert classify(error, has_token) is state


def test_an_absent_repository_without_a_licence_is_not_taken_for_a_gated_one() -> None:
    assert classify(answer(401, "RepoNotFound"), has_token=False, gated=False) is AccessState.NOT_FOUND
    assert classify(answer(401, "GatedRepo"), has_token=False, gated=False) is AccessState.TOKEN_MISSING


@pytest.mark.parametrize("state", AccessState)
def test_every_state_has_words_and_the_next_step(state: AccessState) -> None:
    access = access_of(state, GATED)
    assert access.sentence.endswith(".")
    assert access.ready == (state is AccessState.READY)
    link = {
        AccessState.LICENCE_NOT_ACCEPTED: "https://huggingface.co/google/t5gemma-s-s-prefixlm",
        AccessState.TOKEN_MISSING: "https://huggingface.co/settings/tokens",
        AccessState.TOKEN_REJECTED: "https://huggingface.co/settings/tokens",
    }
    if state in link:
        assert access.link == link[state]
    error = refusal(state, GATED)
    assert error.state == state.value
    assert access.sentence in str(error)


def test_three_steps_lead_to_the_checkpoints_own_licence() -> None:
    licence, token, secret = three_steps(access_of(AccessState.LICENCE_NOT_ACCEPTED, GATED))
    assert f"https://huggingface.co/{GATED.location}" in licence
    assert TOKENS in token
    assert "public gated repositories" in token
    assert "HF_TOKEN" in secret
    assert "https://huggingface.co/google/t5gemma-" in three_steps(access_of(AccessState.TOKEN_MISSING, GATED))[0]


class Asked:
    """Stands in for the Hub: answers in turn and counts."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)
        self.names: list[str] = []

    def __call__(self, checkpoint: Checkpoint) -> None:
        self.names.append(checkpoint.name)
        reply = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if reply is not None:
            raise reply


def nowhere(checkpoint: Checkpoint) -> bool:
    return False


def board(ask: Asked, settings: Settings = ONLINE, cached: Callable[[Checkpoint], bool] = nowhere) -> AccessBoard:
    return AccessBoard(settings, ask, cached, has_token=settings.token is not None)


def states(access: AccessBoard, *checkpoints: Checkpoint) -> list[str]:
    return [access.of(checkpoint).state.value for checkpoint in checkpoints]


def test_before_the_first_check_nothing_is_known_and_local_ones_are_ready() -> None:
    asked = Asked(None)
    access = board(asked)
    local = replace(EMBEDDED, source="local")
    assert states(access, GATED, EMBEDDED, local) == ["unchecked", "ready", "ready"]
    access.refresh([EMBEDDED, local])
    assert asked.names == []


def test_each_is_asked_once_and_keeps_its_own_answer() -> None:
    asked = Asked(None, answer(403, "GatedRepo"), answer(404, "RepoNotFound"))
    access = board(asked)
    access.refresh([GATED, OTHERS[0], OPEN])
    assert states(access, GATED, OTHERS[0], OPEN) == ["ready", "licence_not_accepted", "not_found"]
    assert asked.names == [GATED.name, OTHERS[0].name, OPEN.name]


def test_after_the_first_failed_connection_nobody_is_asked() -> None:
    asked = Asked(None, httpx2.ConnectTimeout("slow"))
    access = board(asked)
    access.refresh([GATED, *OTHERS, OPEN])
    assert states(access, GATED, *OTHERS, OPEN) == ["ready", "offline", "offline", "offline", "offline"]
    assert len(asked.names) == 2


def test_a_rejected_token_is_tried_once_for_the_gated_ones() -> None:
    asked = Asked(answer(401, "", "Invalid credentials in Authorization header"), None)
    access = board(asked)
    access.refresh([GATED, *OTHERS, OPEN])
    assert states(access, GATED, *OTHERS, OPEN) == [*["token_rejected"] * 4, "ready"]
    assert asked.names == [GATED.name, OPEN.name]


def test_without_a_token_gated_ones_are_not_asked() -> None:
    asked = Asked(None)
    access = board(asked, Settings())
    access.refresh([GATED, *OTHERS, OPEN])
    assert states(access, GATED, *OTHERS, OPEN) == [*["token_missing"] * 4, "ready"]
    assert asked.names == [OPEN.name]


def test_cached_files_are_ready_without_a_network_or_a_token() -> None:
    asked = Asked(None)
    for settings, rest in ((Settings(offline=True), "offline"), (Settings(hub_checks=False), "unchecked")):
        access = board(asked, settings, cached=lambda c: c == GATED)
        access.refresh([GATED, *OTHERS])
        assert states(access, GATED, *OTHERS) == ["ready", rest, rest, rest]
    assert asked.names == []


def test_a_second_check_corrects_the_first() -> None:
    access = board(Asked(httpx2.ConnectError("x"), None))
    access.refresh([GATED])
    assert states(access, GATED) == ["offline"]
    access.refresh([GATED])
    assert states(access, GATED) == ["ready"]
    access.note(GATED, AccessState.LICENCE_NOT_ACCEPTED)
    assert states(access, GATED) == ["licence_not_accepted"]


def test_reading_does_not_wait_for_a_check_that_hangs() -> None:
    inside, leave = threading.Event(), threading.Event()

    def hang(checkpoint: Checkpoint) -> None:
        inside.set()
        assert leave.wait(10)

    access = AccessBoard(ONLINE, hang, nowhere, has_token=True)
    thread = threading.Thread(target=access.refresh, args=([GATED],))
    thread.start()
    try:
        assert inside.wait(10)
        assert states(access, GATED) == ["unchecked"]
    finally:
        leave.set()
        thread.join()
    assert states(access, GATED) == ["ready"]


def test_no_sentence_holds_the_token() -> None:
    failures = [answer(401, "", f"Invalid {TOKEN}"), answer(403, "GatedRepo", TOKEN), httpx2.ConnectError(TOKEN)]
    for failure in failures:
        access = board(Asked(failure))
        access.refresh([GATED])
        state = access.of(GATED).state
        assert TOKEN not in repr(access.of(GATED))
        assert TOKEN not in str(refusal(state, GATED))
        assert TOKEN not in repr(ONLINE)


def test_too_big_has_both_numbers() -> None:
    need = need_of(next(c for c in google_checkpoints() if c.name == "t5gemma-9b-9b-ul2"))
    cpu = Device("cpu", "cpu", "CPU", 16 * 10**9, 14 * 10**9, True)
    access = fits(need, DeviceFacts((cpu,)))
    assert access is not None
    assert access.state is AccessState.TOO_BIG
    assert "14.0 GB" in access.sentence
    assert "41." in access.sentence
    gpus = tuple(Device(f"cuda:{i}", "cuda", "GPU", 24 * 10**9, 24 * 10**9, True) for i in range(2))
    assert fits(need, DeviceFacts((*gpus, cpu))) is None
    assert fits(need, DeviceFacts((*gpus, cpu)), "float32") is not None
    assert fits(need_of(GATED), DeviceFacts((cpu,))) is None
