"""The endpoints that programs may rely on: `/chat` and `/checkpoints`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.types import Finished, TextDelta, Waiting
from t5gemma_app.errors import UnknownCheckpointError, WorkbenchError
from t5gemma_app.services import Services
from t5gemma_app.tasks.turns import Turn
from t5gemma_app.ui.access_words import opening_checkpoint
from t5gemma_app.ui.frames import Frames
from t5gemma_app.ui.running import RunningAnswers, answer_group
from t5gemma_app.ui.sampling_form import SamplingValues
from t5gemma_app.ui.visitors import visitor_of_call


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What programs may ask."""

    services: Services

    def chat(
        self,
        message: str,
        system: str = "",
        checkpoint: str = "",
        temperature: float = 0.0,
        max_new_tokens: int = 256,
        seed: int = 0,
        top_k: int = 0,
        top_p: float = 1.0,
        min_p: float = 0.0,
        repetition_penalty: float = 1.0,
        stop: str = "",
        request: gr.Request | None = None,
    ) -> Iterator[str]:
        """Answer one message; every update is the answer's text so far, empty while others are served first.

        Args:
            message: What is asked.
            system: Put in front of the message.
            checkpoint: A name of `/checkpoints`; the app's default where it is empty.
            temperature: 0 always takes the most probable word.
            max_new_tokens: Longest answer, in tokens.
            seed: Makes a sampled answer repeatable.
            top_k: Keep the k most probable words; 0 keeps all.
            top_p: Keep the smallest set of words that reaches this probability.
            min_p: Keep words at least this fraction as probable as the best one.
            repetition_penalty: Above 1 makes words of the answer so far less probable.
            stop: Strings that end the answer, one a line.
            request: Who asks; Gradio's own.
        """
        values = SamplingValues(temperature, max_new_tokens, seed, top_k, top_p, min_p, repetition_penalty, stop)
        answer = ""
        try:
            turns, visitor = (Turn("user", str(message)),), visitor_of_call(request)
            begun = self.services.chat.start(
                self._checkpoint(str(checkpoint)), turns, str(system), values.parameters(), visitor=visitor
            )
            frames = Frames(lambda: self.services.engine.status().active)
            with RunningAnswers().held("", begun.answer):
                for event in begun.answer:
                    new = frames.add(event.text) if isinstance(event, TextDelta) else ""
                    if isinstance(event, Finished):
                        new = frames.rest()
                    answer += new
                    if new or isinstance(event, Waiting):  # only here does Gradio notice that a program has left
                        yield answer
        except WorkbenchError as error:
            raise gr.Error(str(error), print_exception=False) from error
        if not answer:
            yield answer

    def _checkpoint(self, name: str) -> Checkpoint:
        if name:
            return self.services.catalogue.find(name)
        opening = opening_checkpoint(self.services)
        if opening is None:
            raise UnknownCheckpointError("There is no checkpoint to answer with.")
        return opening

    def checkpoints(self) -> list[dict[str, Any]]:
        """List the checkpoints with their size and whether they can be used."""
        return [
            {
                "name": checkpoint.name,
                "pair": checkpoint.pair,
                "parameters": checkpoint.parameters.total if checkpoint.parameters else None,
                "access": str(self.services.access.of(checkpoint).state),
                "stage": checkpoint.stage,
                "head": checkpoint.head,
                "labels": list(checkpoint.labels),
            }
            for checkpoint in self.services.catalogue.all()
        ]


def build_endpoints(services: Services) -> None:
    """Name the endpoints."""
    endpoints = Endpoints(services)
    gr.api(endpoints.chat, api_name="chat", **answer_group(services.settings))
    gr.api(endpoints.checkpoints, api_name="checkpoints", queue=False)
