"""Access states in two or three words for lists, and with their next step for people who chose one."""

from __future__ import annotations

from collections.abc import Sequence

from t5gemma_app.checkpoints.access import Access, AccessState, fits
from t5gemma_app.checkpoints.memory import need_of
from t5gemma_app.checkpoints.records import Checkpoint, Head
from t5gemma_app.errors import CheckpointError
from t5gemma_app.services import Services
from t5gemma_app.ui.markup import link, text

WORDS: dict[AccessState, str] = {
    AccessState.READY: "ready",
    AccessState.LICENCE_NOT_ACCEPTED: "accept licence",
    AccessState.TOKEN_MISSING: "needs token",
    AccessState.TOKEN_REJECTED: "token rejected",
    AccessState.NOT_FOUND: "not found",
    AccessState.OFFLINE: "offline",
    AccessState.TOO_BIG: "too big",
    AccessState.UNCHECKED: "not checked",
}
LINK_WORDS: dict[AccessState, str] = {
    AccessState.LICENCE_NOT_ACCEPTED: "Open the model's page",
    AccessState.TOKEN_MISSING: "Create a token",
    AccessState.TOKEN_REJECTED: "Look at your tokens",
    AccessState.NOT_FOUND: "Open the model's page",
    AccessState.UNCHECKED: "Open the model's page",
}


def access_html(access: Access) -> str:
    """Return what stands in the way and the next step; empty where nothing does."""
    if access.ready:
        return ""
    step = f" {link(access.link, LINK_WORDS.get(access.state, 'Open the page'))}" if access.link else ""
    return f'<p class="wb-access">{text(access.sentence)}{step}</p>'


def checkpoint_choices(services: Services, heads: Sequence[Head] = ("none",)) -> list[tuple[str, str]]:
    """Return (label, name) of checkpoints: those that are ready first, others with their access state.

    Args:
        services: The parts.
        heads: What the checkpoints end in, the more suitable first; when left out, those that write text.
    """
    found = [checkpoint for checkpoint in services.catalogue.all() if checkpoint.head in heads]
    found.sort(key=lambda checkpoint: (not services.access.of(checkpoint).ready, heads.index(checkpoint.head)))
    return [(_label(checkpoint, services.access.of(checkpoint)), checkpoint.name) for checkpoint in found]


def _label(checkpoint: Checkpoint, access: Access) -> str:
    return checkpoint.name if access.ready else f"{checkpoint.name} ({WORDS[access.state]})"


def opening_checkpoint(services: Services) -> Checkpoint | None:
    """Return the checkpoint a new page opens with, or None where nothing is listed.

    An owner's choice that can't be used is told by the banner; the page still opens.
    """
    try:
        return services.catalogue.default(services.settings, lambda checkpoint: _at_hand(services, checkpoint))[0]
    except CheckpointError:
        ready = (c for c in services.catalogue.all() if c.head == "none" and services.access.of(c).ready)
        return next(ready, None)


def _at_hand(services: Services, checkpoint: Checkpoint) -> bool:
    if not services.access.of(checkpoint).ready:
        return False
    facts = services.engine.status().facts
    try:
        return facts is None or fits(need_of(checkpoint), facts, services.settings.dtype) is None
    except CheckpointError:
        return True  # its size is not known before it was loaded once
