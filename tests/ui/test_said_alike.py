"""A text gets the same labels and probabilities alone, from the endpoints, in a file of the page and of the command."""

from __future__ import annotations

import json
import time
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from t5gemma_app.cli import classify as classify_command
from t5gemma_app.cli import tag as tag_command
from t5gemma_app.engine.types import HeadInput
from t5gemma_app.services import Services, build_services
from t5gemma_app.settings import Settings
from t5gemma_app.tasks.classification import ClassifyOptions
from t5gemma_app.tasks.files.jobs import FileOrder
from t5gemma_app.tasks.files.table import open_table
from t5gemma_app.tasks.tag_rows import TagOrder
from t5gemma_app.tasks.tagging import text_input
from t5gemma_app.tasks.verdicts import Verdict
from t5gemma_app.ui.classify_api import ClassifyEndpoint
from t5gemma_app.ui.tag_api import TagEndpoints
from tests.tiny import save_tiny, tiny_head, tiny_model

TEXTS = [
    *(f"the {word} number {n} " + "in the end " * (n % 7) for n, word in enumerate(["book", "day", "ferry"] * 5)),
    'a "quoted", text\nwith 😀, é and  two blanks',
]
CLOSE = 1e-5


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("alike")
    places = (
        save_tiny(folder / "encoder-head", tiny_head()),
        save_tiny(folder / "whole-head", tiny_head(encoder_only=False)),
        save_tiny(folder / "tagger", tiny_head("token", ("O", "B-x", "I-x", "B-y", "I-y"), seed=3)),
        save_tiny(folder / "writer", tiny_model(strength=3.0)),
    )
    settings = Settings(offline=True, data_dir=folder / "data", checkpoints=tuple(map(str, places)), device="cpu")
    services = build_services(settings)
    yield services
    services.close()


def written(folder: Path) -> Path:
    path = folder / "in.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS), encoding="utf-8")
    return path


def from_the_page(services: Services, folder: Path, order: FileOrder) -> list[dict[str, Any]]:
    files = services.files()
    job = files.add(open_table(written(folder)), order)
    deadline = time.monotonic() + 120
    while files.get(job.id).state.open and time.monotonic() < deadline:
        time.sleep(0.02)
    files.write(job.id, "jsonl", folder / "page.jsonl")
    return [json.loads(line) for line in (folder / "page.jsonl").read_text(encoding="utf-8").splitlines()]


def from_the_command(run: Any, services: Services, folder: Path, **flags: Any) -> list[dict[str, Any]]:
    flags |= {
        "text": None,
        "file": written(folder),
        "output": folder / "out.jsonl",
        "column": None,
        "pair_column": None,
    }
    assert run(Namespace(delimiter="", resume=False, json=False, random_head=False, **flags), services) == 0
    return [json.loads(line) for line in (folder / "out.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("name", ["encoder-head", "whole-head", "writer"])
def test_a_text_is_classified_alike_everywhere(services: Services, tmp_path: Path, name: str) -> None:
    options = ClassifyOptions(labels="" if "head" in name else "red, blue, the green one")
    checkpoint = services.catalogue.find(name)
    classifier = services.classification.classifier(checkpoint, options)
    flags = {key: value for key, value in asdict(options).items() if key != "random_head"}
    page = from_the_page(services, tmp_path, FileOrder("classify", name, ("text",), asdict(options)))
    command = from_the_command(classify_command.run, services, tmp_path, checkpoint=name, **flags)
    assert len(page) == len(command) == len(TEXTS)
    labels = set()
    for text, *rows in zip(TEXTS, page, command, strict=True):
        (alone,) = classifier.classify([HeadInput(text)], urgent=True)
        assert isinstance(alone, Verdict)
        expected = {score.label: score.probability for score in alone.scores}
        said = ClassifyEndpoint(services).classify(text, str(options.labels), name)
        assert said["label"] == alone.label and said["scores"] == pytest.approx(expected, abs=CLOSE)
        for row in rows:
            assert row["text"] == text and row["label"] == alone.label
            assert row["scores"] == pytest.approx(expected, abs=CLOSE)
            assert row["score"] == pytest.approx(max(expected.values()), abs=CLOSE)
        labels.add(alone.label)
    assert len(labels) > 1 or name == "writer"


def test_a_text_is_tagged_alike_everywhere(services: Services, tmp_path: Path) -> None:
    checkpoint, order = services.catalogue.find("tagger"), TagOrder()
    page = from_the_page(services, tmp_path, FileOrder("tag", "tagger", ("text",), order.to_data()))
    flags = {"checkpoint": "tagger", "labels": "", "first": False, "words": False, "conll": False}
    command = from_the_command(tag_command.run, services, tmp_path, **flags, **spread(order))
    assert len(page) == len(command) == len(TEXTS)
    found = 0
    for text, *rows in zip(TEXTS, page, command, strict=True):
        (alone,) = services.tagger.tag(checkpoint, [text_input(text)], urgent=True)
        expected = [(span.start, span.end, span.label) for span in alone.spans]
        scores = [span.score for span in alone.spans]
        for spans in (TagEndpoints(services).tag(text, "tagger")["spans"], *(row["spans"] for row in rows)):
            assert [(span["start"], span["end"], span["label"]) for span in spans] == expected
            assert [span["score"] for span in spans] == pytest.approx(scores, abs=CLOSE)
        found += len(expected)
    assert found > len(TEXTS)


def spread(order: TagOrder) -> dict[str, Any]:
    """Return an order's options as the flags of the command, but those that it names itself."""
    return {key: value for key, value in asdict(order.options).items() if key != "random_head"}
