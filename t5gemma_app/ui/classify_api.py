"""The endpoint `/classify`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.errors import InputError, UnknownCheckpointError, WorkbenchError
from t5gemma_app.services import Services
from t5gemma_app.tasks.classification import THRESHOLD, ClassifyOptions
from t5gemma_app.tasks.verdicts import Unread
from t5gemma_app.ui.access_words import opening_checkpoint
from t5gemma_app.ui.classify_handlers import ClassifyHandlers
from t5gemma_app.ui.running import answer_group
from t5gemma_app.ui.visitors import visitor_of_call


@dataclass(frozen=True, slots=True)
class ClassifyEndpoint:
    """What programs may ask."""

    services: Services

    def classify(
        self,
        text: str,
        labels: str | list[str] = "",
        checkpoint: str = "",
        pair: str = "",
        wording: str = "",
        several: bool = False,
        none: bool = False,
        calibrate: bool = False,
        normalise: bool = False,
        whole: bool = False,
        threshold: float = THRESHOLD,
        random_head: bool = False,
        request: gr.Request | None = None,
    ) -> dict[str, Any]:
        """Label a text: with labels of your own, or with those that a checkpoint's head was trained for.

        Args:
            text: What is labelled.
            labels: The labels to choose from, as a list or with commas; empty where the checkpoint has a head.
            checkpoint: A name of `/checkpoints`; where it is empty, the app's default with labels, else the first head.
            pair: A second text that belongs to the first.
            wording: How text and label are put into words: topic, sentiment, statement, instruction, question, or a
                text with {text} and {label}.
            several: Whether any number of labels may fit.
            none: Whether "none of these" may be answered.
            calibrate: Whether what is probable without a text is taken off (contextual calibration).
            normalise: Whether log-probabilities are divided by the labels' tokens.
            whole: Whether that a label ends is scored too, so that one that begins another has no advantage over it.
            threshold: From which probability on one of several labels fits.
            random_head: Whether a head without trained weights is used all the same.
            request: Who asks.
        """
        try:
            classification = self.services.classification
            wanted = labels if isinstance(labels, str) else tuple(str(label) for label in labels)
            chosen = self._checkpoint(str(checkpoint), bool(wanted))
            options = ClassifyOptions(
                labels=wanted,
                wording=str(wording),
                several=bool(several),
                none=bool(none),
                calibrate=bool(calibrate),
                normalise=bool(normalise),
                whole=bool(whole),
                threshold=_number(threshold),
                random_head=bool(random_head),
            )
            classifier = classification.classifier(chosen, options)
            one = classification.checked(str(text), str(pair) or None)
            verdict = classifier.classify([one], urgent=True, visitor=visitor_of_call(request))[0]
            if isinstance(verdict, Unread):
                raise InputError(verdict.why)
        except WorkbenchError as error:
            raise gr.Error(str(error), print_exception=False) from error
        return {
            "label": None if verdict.number is not None else verdict.label,
            "labels": list(verdict.chosen),
            "scores": {score.label: score.probability for score in verdict.ranked},
            "logprobs": {score.label: score.logprob for score in verdict.ranked},
            "margin": verdict.margin,
            "none": verdict.none_probability,
            "number": verdict.number,
            "checkpoint": chosen.name,
            "notes": list(classifier.notes),
        }

    def _checkpoint(self, name: str, labelled: bool) -> Checkpoint:
        if name:
            return self.services.catalogue.find(name)
        if labelled:
            opening = opening_checkpoint(self.services)
        else:
            opening = ClassifyHandlers(self.services).opening()
            if opening is not None and opening.head != "sequence":
                raise InputError(
                    "There are no labels, and no checkpoint with a head.",
                    remedy="Name labels to choose from, or a checkpoint that has some.",
                )
        if opening is None:
            raise UnknownCheckpointError("There is no checkpoint to use.")
        return opening


def build_classify_endpoint(services: Services) -> None:
    """Name the endpoint."""
    gr.api(ClassifyEndpoint(services).classify, api_name="classify", **answer_group(services.settings))


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"The threshold is {value!r}.", expected="It takes a number.")
    return float(value)
