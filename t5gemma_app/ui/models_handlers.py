"""The catalogue as rows, and one checkpoint in detail: what it is, what it needs, and whether it runs here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import gradio as gr

from t5gemma_app.checkpoints.access import AccessState, fits
from t5gemma_app.checkpoints.memory import in_words, need_of
from t5gemma_app.checkpoints.parameters import count_in_words
from t5gemma_app.checkpoints.placement import Need
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.errors import InputError, WorkbenchError
from t5gemma_app.services import Services
from t5gemma_app.ui.access_words import WORDS
from t5gemma_app.ui.detail import detail_html, heading_html
from t5gemma_app.ui.markup import bar, problem
from t5gemma_app.ui.thread import progress_html

ANY = "any"
HEADERS = ("name", "kind", "encoder", "decoder", "parameters", "memory", "access", "stage", "objective")
ACCESS = HEADERS.index("access")
LOADED = "loaded"
USABLE = (LOADED, WORDS[AccessState.READY])


class Filters(NamedTuple):
    """What the visitor wants to see."""

    search: str = ""
    kind: str = ANY
    size: str = ANY
    stage: str = ANY
    objective: str = ANY
    source: str = ANY
    fits_only: bool = False


@dataclass(frozen=True, slots=True)
class ModelsHandlers:
    """The steps of the Models tab."""

    services: Services

    def rows(self, filters: Filters) -> list[list[str]]:
        """Return the rows that pass the filters, as text; what can be used now comes first."""
        shown = [checkpoint for checkpoint in self.services.catalogue.all() if self._passes(checkpoint, filters)]
        return sorted(map(self._row, shown), key=lambda row: row[ACCESS] not in USABLE)

    def _passes(self, checkpoint: Checkpoint, filters: Filters) -> bool:
        words = str(filters.search or "").lower().split()
        haystack = f"{checkpoint.name} {checkpoint.location} {' '.join(checkpoint.labels)}".lower()
        return (
            all(word in haystack for word in words)
            and filters.kind in (ANY, checkpoint.kind)
            and filters.size in (ANY, checkpoint.pair)
            and filters.stage in (ANY, checkpoint.stage)
            and filters.objective in (ANY, checkpoint.objective)
            and filters.source in (ANY, checkpoint.source)
            and not (filters.fits_only and self.fits_here(checkpoint) is not True)
        )

    def _row(self, checkpoint: Checkpoint) -> list[str]:
        need, dtype = self.need(checkpoint), self.auto_dtype(checkpoint)
        return [
            checkpoint.name,
            checkpoint.kind,
            checkpoint.encoder_size,
            checkpoint.decoder_size,
            count_in_words(checkpoint.parameters.total) if checkpoint.parameters else "?",
            in_words(need.bytes_by_dtype[dtype]) if need else "?",
            self.access_words(checkpoint),
            checkpoint.stage,
            checkpoint.objective,
        ]

    def access_words(self, checkpoint: Checkpoint) -> str:
        """Return the access state in two or three words; `loaded` and `too big` say more than `ready`."""
        if checkpoint.name in {entry.name for entry in self.services.engine.status().loaded}:
            return LOADED
        access = self.services.access.of(checkpoint)
        if access.ready and self.fits_here(checkpoint) is False:
            return WORDS[AccessState.TOO_BIG]
        return WORDS[access.state]

    def need(self, checkpoint: Checkpoint) -> Need | None:
        """Return what a checkpoint needs, or None where its configuration is not known."""
        facts = self.services.engine.status().facts
        kind = facts.devices[0].kind if facts and facts.devices else "cpu"
        try:
            return need_of(checkpoint, device_kind=kind)
        except WorkbenchError:
            return None

    def auto_dtype(self, checkpoint: Checkpoint) -> str:
        """Return the number format that would be chosen, without asking torch: the wish, else by kind of device."""
        wish = self.services.settings.dtype
        if wish != "auto":
            return wish
        facts = self.services.engine.status().facts
        device = facts.devices[0] if facts and facts.devices else None
        return checkpoint.dtype if device is None or device.bfloat16 else "float32"

    def fits_here(self, checkpoint: Checkpoint) -> bool | None:
        """Return whether a checkpoint fits this machine, or None where it can't be told yet."""
        facts, need = self.services.engine.status().facts, self.need(checkpoint)
        if facts is None or need is None:
            return None
        return fits(need, facts, self.services.settings.dtype) is None

    def detail(self, name: str) -> tuple[str, Any, Any, str]:
        """Return a checkpoint's heading, the state of the Load and Unload buttons, and its detail."""
        hidden = gr.update(visible=False)
        try:
            checkpoint = self.services.catalogue.find(name)
        except WorkbenchError as error:
            return problem(error.what, error.expected, error.remedy), hidden, hidden, ""
        status = self.services.engine.status()
        loaded = any(entry.name == name for entry in status.loaded)
        placement, refusal = None, ""
        if status.facts is not None:
            try:
                placement = self.services.engine.place(checkpoint)
            except WorkbenchError as error:
                refusal = str(error)
        access = self.services.access.of(checkpoint)
        can_load = access.ready and not loaded and placement is not None
        return (
            heading_html(checkpoint),
            gr.update(visible=not loaded, interactive=can_load),
            gr.update(visible=loaded),
            detail_html(checkpoint, access, self.need(checkpoint), status, placement, refusal),
        )

    def load(self, name: str) -> Iterator[str]:
        """Load a checkpoint; yields its progress as HTML."""
        try:
            checkpoint = self.services.catalogue.find(name)
            access = self.services.access.of(checkpoint)
            if not access.ready:
                raise InputError(f"{name} can't be loaded.", expected=access.sentence)
            for event in self.services.engine.load(checkpoint):
                done = "" if event.fraction is None else bar(event.fraction, f"{event.fraction:.0%} loaded")
                yield progress_html(event.stage, done)
        except WorkbenchError as error:
            yield problem(error.what, error.expected, error.remedy)
            return
        yield ""

    def unload(self, name: str) -> str:
        """Give a checkpoint's memory back; returns what to say about it."""
        busy = any(entry.name == name and entry.busy for entry in self.services.engine.status().loaded)
        if busy:
            return problem(f"{name} is answering right now.", remedy="Stop the answer first, or wait for it.")
        self.services.engine.unload(name)
        return ""

    def options(self) -> dict[str, list[str]]:
        """Return the values each filter offers: those that occur in the catalogue, in its order."""
        every = self.services.catalogue.all()
        return {
            "kind": [ANY, *dict.fromkeys(checkpoint.kind for checkpoint in every)],
            "size": [ANY, *dict.fromkeys(checkpoint.pair for checkpoint in every)],
            "stage": [ANY, *dict.fromkeys(checkpoint.stage for checkpoint in every)],
            "objective": [ANY, *dict.fromkeys(checkpoint.objective for checkpoint in every)],
            "source": [ANY, *dict.fromkeys(checkpoint.source for checkpoint in every)],
        }
