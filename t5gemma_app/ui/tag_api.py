"""The endpoints `/tag` and `/embed`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.errors import InputError, UnknownCheckpointError, WorkbenchError
from t5gemma_app.services import Services
from t5gemma_app.tasks.annotations import to_data
from t5gemma_app.tasks.extraction import Extracted
from t5gemma_app.tasks.tagging import TagOptions, text_input, token_input
from t5gemma_app.ui.access_words import opening_checkpoint
from t5gemma_app.ui.running import answer_group
from t5gemma_app.ui.visitors import visitor_of_call

MOST_TEXTS = 1000
"""Texts of one request to `/embed`."""


@dataclass(frozen=True, slots=True)
class TagEndpoints:
    """What programs may ask."""

    services: Services

    def tag(
        self,
        text: str,
        checkpoint: str = "",
        labels: str | list[str] = "",
        aggregation: str = "first",
        threshold: float = 0.0,
        scheme: str = "auto",
        occurrences: str = "all",
        tokens: list[str] | None = None,
        random_head: bool = False,
        request: gr.Request | None = None,
    ) -> dict[str, Any]:
        """Label the words of a text.

        Args:
            text: What is tagged; empty where tokens are given.
            checkpoint: A name of `/checkpoints`; where it is empty, the first with a token head, or with labels the
                app's default.
            labels: What to look for by asking a checkpoint without a head: a list, or one text with commas.
            aggregation: What decides a word of several pieces: first, average, max, or none.
            threshold: Spans less probable are left out.
            scheme: How the head's labels mark spans: auto, BIO, IO, BIOES or words.
            occurrences: Whether all places of an answer count, or only the first: all or first.
            tokens: Words in place of a text; each gets one tag.
            random_head: Whether a head without trained weights is used all the same.
            request: Who asks.
        """
        try:
            if labels if isinstance(labels, list) else str(labels).strip():
                return self._asked(str(text), str(checkpoint), labels, str(occurrences), request)
            one = token_input([str(token) for token in tokens]) if tokens else text_input(str(text))
            least = _number("threshold", threshold)
            options = TagOptions(aggregation, str(scheme), least, bool(random_head))  # type: ignore[arg-type]
            (tagged,) = self.services.tagger.tag(
                self._tagging(str(checkpoint)), [one], options, urgent=True, visitor=visitor_of_call(request)
            )
        except WorkbenchError as error:
            raise gr.Error(str(error), print_exception=False) from error
        return to_data(tagged) | ({"tags": list(tagged.tags)} if tokens else {})

    def embed(
        self,
        text: str | list[str],
        checkpoint: str = "",
        pooling: str = "mean",
        request: gr.Request | None = None,
    ) -> list[list[float]]:
        """Turn texts into vectors of length 1, whose products say how alike the texts are.

        Args:
            text: A text, or a list of them.
            checkpoint: A name of `/checkpoints`; the app's default where it is empty.
            pooling: The mean over the tokens, or the last token: mean or last.
            request: Who asks.
        """
        try:
            texts = [str(one) for one in text] if isinstance(text, list) else [str(text)]
            if len(texts) > MOST_TEXTS:
                raise InputError(f"There are {len(texts):,} texts.", expected=f"At most {MOST_TEXTS:,} at once.")
            vectors = self.services.embedder.embed(
                self._default(str(checkpoint)), texts, str(pooling), urgent=True, visitor=visitor_of_call(request)
            )
        except WorkbenchError as error:
            raise gr.Error(str(error), print_exception=False) from error
        return [list(vector) for vector in vectors]

    def _asked(
        self, text: str, checkpoint: str, labels: str | list[str], occurrences: str, request: gr.Request | None
    ) -> dict[str, Any]:
        if occurrences not in ("all", "first"):
            raise InputError(f"The occurrences are {occurrences!r}.", expected="It is all or first.")
        steps = self.services.extractor.ask(
            self._default(checkpoint), text, labels, every=occurrences == "all", visitor=visitor_of_call(request)
        )
        found = next(step for step in steps if isinstance(step, Extracted))
        dropped = [{"label": label, "text": words} for label, words in found.dropped]
        return to_data(found.tagged) | {"dropped": dropped}

    def _tagging(self, name: str) -> Checkpoint:
        if name:
            return self.services.catalogue.find(name)
        heads: Sequence[Checkpoint] = [c for c in self.services.catalogue.all() if c.head == "token"]
        ready = next((c for c in heads if self.services.access.of(c).ready and not c.random_head), None)
        if ready is None:
            raise UnknownCheckpointError(
                "There is no checkpoint with a token head.",
                remedy="Name labels to look for by asking, train one, or add a folder to T5GEMMA_CHECKPOINTS.",
            )
        return ready

    def _default(self, name: str) -> Checkpoint:
        if name:
            return self.services.catalogue.find(name)
        opening = opening_checkpoint(self.services)
        if opening is None:
            raise UnknownCheckpointError("There is no checkpoint to use.")
        return opening


def build_tag_endpoints(services: Services) -> None:
    """Name the endpoints."""
    endpoints = TagEndpoints(services)
    gr.api(endpoints.tag, api_name="tag", **answer_group(services.settings))
    gr.api(endpoints.embed, api_name="embed", **answer_group(services.settings))


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"The {name} is {value!r}.", expected="It takes a number.")
    return float(value)
