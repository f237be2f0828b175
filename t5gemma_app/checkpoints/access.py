"""Whether a checkpoint can be had: what the Hub says to this token, kept where the screen can read it at once.

The token itself appears in no sentence of this file.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from t5gemma_app.checkpoints import hub
from t5gemma_app.checkpoints.placement import DeviceFacts, Need, Wish, choose_placement
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.errors import AccessError, PlacementError, TooBigError
from t5gemma_app.settings import Settings

HUB = "https://huggingface.co"
TOKENS = f"{HUB}/settings/tokens"


class AccessState(StrEnum):
    """What stands between a person and a checkpoint."""

    READY = "ready"
    LICENCE_NOT_ACCEPTED = "licence_not_accepted"
    TOKEN_MISSING = "token_missing"  # noqa: S105 - a state's name
    TOKEN_REJECTED = "token_rejected"  # noqa: S105 - a state's name
    NOT_FOUND = "not_found"
    OFFLINE = "offline"
    TOO_BIG = "too_big"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class Access:
    """A checkpoint's access state in words, with the page that leads on."""

    state: AccessState
    sentence: str
    link: str = ""
    """Where the next step is taken; empty where there is none."""

    @property
    def ready(self) -> bool:
        """Whether the checkpoint can be loaded now."""
        return self.state is AccessState.READY


def classify(error: BaseException, has_token: bool, gated: bool = True) -> AccessState:
    """Return the access state that a failure to reach a repository means.

    Args:
        error: What huggingface_hub or the network raised.
        has_token: Whether a token was sent.
        gated: Whether the repository is known to be behind a licence.
    """
    from huggingface_hub import errors

    # The Hub's answer may be wrapped: "not in the cache" is raised from the reason it was not fetched.
    cause = error.__cause__
    if isinstance(error, errors.LocalEntryNotFoundError) and isinstance(cause, errors.HfHubHTTPError):
        return classify(cause, has_token, gated)
    if isinstance(error, errors.HFValidationError):
        return AccessState.NOT_FOUND
    if not isinstance(error, errors.HfHubHTTPError):
        return AccessState.OFFLINE
    status = error.response.status_code
    refused = status in (401, 403)
    # GatedRepoError is a RepositoryNotFoundError; asking for the former first keeps "gated" apart from "absent".
    if isinstance(error, errors.GatedRepoError):
        return _refused(error, status, has_token)
    if isinstance(error, errors.RepositoryNotFoundError):
        # Without a token the Hub answers 401 to absent and to private repositories alike.
        return _refused(error, status, has_token) if refused and gated else AccessState.NOT_FOUND
    if refused:
        return _refused(error, status, has_token)
    return AccessState.NOT_FOUND if status == 404 else AccessState.OFFLINE


def _refused(error: BaseException, status: int, has_token: bool) -> AccessState:
    if not has_token:
        return AccessState.TOKEN_MISSING
    # A fine-grained token without the right to read gated repositories is refused with 403, as a missing licence is.
    if status == 401 or "fine-grained token" in str(error).lower():
        return AccessState.TOKEN_REJECTED
    return AccessState.LICENCE_NOT_ACCEPTED


def access_of(state: AccessState, checkpoint: Checkpoint) -> Access:
    """Return a state in words, with the link that leads on."""
    page = f"{HUB}/{checkpoint.location}" if checkpoint.source == "hub" else ""
    sentence, link = {
        AccessState.READY: ("Ready.", ""),
        AccessState.LICENCE_NOT_ACCEPTED: (
            "The token's account has not accepted the licence; accept it on the model's page.",
            page,
        ),
        AccessState.TOKEN_MISSING: ("It is behind a licence, and HF_TOKEN is not set; create a read token.", TOKENS),
        AccessState.TOKEN_REJECTED: (
            "The Hub refuses the token: it is wrong, expired, or may not read public gated repositories.",
            TOKENS,
        ),
        AccessState.NOT_FOUND: (f"The Hub has no repository {checkpoint.location}, or it is private.", page),
        AccessState.OFFLINE: ("The Hub can't be reached, and the files are not on this machine.", ""),
        AccessState.TOO_BIG: ("It needs more memory than there is.", ""),
        AccessState.UNCHECKED: ("Access was not checked yet.", page),
    }[state]
    return Access(state, sentence, link)


def refusal(state: AccessState, checkpoint: Checkpoint) -> AccessError:
    """Return the error that says why a checkpoint can't be fetched."""
    access = access_of(state, checkpoint)
    return AccessError(
        f"{checkpoint.location} can't be fetched.", state=state.value, expected=access.sentence, remedy=access.link
    )


def fits(need: Need, facts: DeviceFacts, dtype: str = "auto", device: str = "auto") -> Access | None:
    """Return a `too_big` access with the numbers, or None where a checkpoint fits.

    Args:
        need: What the checkpoint asks for.
        facts: What the machine has.
        dtype: The number format asked for.
        device: The device asked for.
    """
    try:
        choose_placement(facts, need, Wish(device=device, dtype=dtype))
    except TooBigError as error:
        return Access(AccessState.TOO_BIG, error.what)
    except PlacementError:
        return None  # the wish is wrong, not the checkpoint; placing it says so
    return None


def three_steps(access: Access) -> tuple[str, str, str]:
    """Return the three steps to Google's checkpoints, as Markdown; the link of step one is the checkpoint's page."""
    page = (
        access.link
        if access.link.startswith(HUB) and access.link != TOKENS
        else f"{HUB}/google/t5gemma-b-b-prefixlm-it"
    )
    return (
        f"Accept Gemma's licence on [the model's page]({page}), signed in with the account that owns the token.",
        f"Create a [fine-grained token]({TOKENS}) that may read public gated repositories.",
        "Set it as `HF_TOKEN`: in the environment of a local run, or as a secret in the settings of your Space.",
    )


Ask = Callable[[Checkpoint], None]
"""Ask the Hub for one checkpoint; returns when it may be downloaded, raises what the Hub or the network raised."""
Cached = Callable[[Checkpoint], bool]
"""Whether all files of a checkpoint are on this machine."""


class AccessBoard:
    """Access states, written by one background check and read by every screen.

    Args:
        settings: Token, offline mode, and whether the Hub may be asked at all.
        ask: How to ask the Hub; over the network when left out.
        cached: How to look into the local cache; huggingface_hub's when left out.
        has_token: Whether there is a token; looked up when left out.
    """

    def __init__(
        self,
        settings: Settings,
        ask: Ask | None = None,
        cached: Cached | None = None,
        has_token: bool | None = None,
    ) -> None:
        self._settings = settings
        self._ask = ask or (lambda checkpoint: hub.ask_hub(checkpoint, settings))
        self._cached = cached or (lambda checkpoint: hub.cached_folder(checkpoint) is not None)
        self._has_token = has_token
        # Guards `_known`: the background check writes while requests read.
        self._lock = threading.Lock()
        self._known: dict[str, Access] = {}

    def of(self, checkpoint: Checkpoint) -> Access:
        """Return what is known of a checkpoint's access now; never asks, never waits for the network."""
        if checkpoint.source != "hub":
            return access_of(AccessState.READY, checkpoint)
        with self._lock:
            known = self._known.get(checkpoint.location)
        return known or access_of(AccessState.UNCHECKED, checkpoint)

    def note(self, checkpoint: Checkpoint, state: AccessState) -> None:
        """Write down what a download found out."""
        with self._lock:
            self._known[checkpoint.location] = access_of(state, checkpoint)

    def refresh(self, checkpoints: Iterable[Checkpoint]) -> None:
        """Look into the cache, then ask the Hub for the rest; blocks, so call it from a background thread.

        After the first failure of the connection, and after the Hub has refused the token itself, the rest is not
        asked: the answer would be the same.
        """
        missing = []
        for checkpoint in checkpoints:
            if checkpoint.source != "hub":
                continue
            if self._cached(checkpoint):
                self.note(checkpoint, AccessState.READY)
            else:
                missing.append(checkpoint)
        if self._settings.offline:
            for checkpoint in missing:
                self.note(checkpoint, AccessState.OFFLINE)
        elif self._settings.hub_checks:
            self._ask_all(missing)

    def _ask_all(self, checkpoints: list[Checkpoint]) -> None:
        has_token = hub.token_of(self._settings) is not None if self._has_token is None else self._has_token
        offline = False
        refusal: AccessState | None = None
        for checkpoint in checkpoints:
            if offline:
                state = AccessState.OFFLINE
            elif checkpoint.gated and refusal is not None:
                state = refusal
            else:
                state = self._state(checkpoint, has_token)
            self.note(checkpoint, state)
            offline = offline or state is AccessState.OFFLINE
            if checkpoint.gated and state in (AccessState.TOKEN_MISSING, AccessState.TOKEN_REJECTED):
                refusal = state

    def _state(self, checkpoint: Checkpoint, has_token: bool) -> AccessState:
        if checkpoint.gated and not has_token:
            return AccessState.TOKEN_MISSING
        try:
            self._ask(checkpoint)
        except hub.failures() as error:
            return classify(error, has_token, checkpoint.gated)
        return AccessState.READY
