"""The whole family with next to nothing in it: what it makes, and that it goes on and ends the same."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from t5gemma_app.checkpoints.card import read_card
from t5gemma_app.checkpoints.catalogue import build_catalogue
from t5gemma_app.checkpoints.folder import read_folder
from t5gemma_app.errors import InputError
from t5gemma_app.settings import Settings
from t5gemma_app.training.digests import checkpoint_digest
from t5gemma_app.training.family.conversations import FILE as CONVERSATIONS
from t5gemma_app.training.family.family import FamilyOrder, train_family
from t5gemma_app.training.family.ledger import FILE, Entry, read_entries
from t5gemma_app.training.family.recipe import FULL, QUICK
from t5gemma_app.training.family.times import score_lines, time_table
from t5gemma_app.training.machine import Machine
from tests.training.family.datasets import write_data

FEW = replace(
    QUICK,
    denoising=replace(QUICK.denoising, evaluate_every=1),
    heads=tuple(head for head in QUICK.heads if head.name in ("sst2", "trec", "upos", "entities")),
    head_pairs=("l-l",),
    pairs=("l-l", "l-s"),
    superglue=tuple(head for head in QUICK.superglue if head.name == "cb"),
)
"""Every kind of step once; `--quick` on the command line has them all."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


def order(data: Path, output: Path) -> FamilyOrder:
    return FamilyOrder(data, output, FEW, Machine(cpu=True, replicas=1, shard_bytes=20_000), "train family")


@pytest.fixture(scope="module")
def made(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[Entry, ...]]:
    """A family whose first call was stopped in the middle of a step, and whose second one ended it."""
    output = tmp_path_factory.mktemp("family")

    def stop(text: str) -> None:
        if "t5gemma-demo-l-s" in text and "step 2" in text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_family(order(data, output), stop)
    assert not (output / "t5gemma-demo-l-s").exists() and not read_entries(output / FILE)[-1].done
    said: list[str] = []
    entries = train_family(order(data, output), said.append)
    assert any("t5gemma-demo-l-s: Going on after step 1 of 2" in line for line in said)
    assert not any("t5gemma-demo-l-l:" in line or "gemma2-demo-s:" in line for line in said)
    return output, entries


def test_every_checkpoint_is_made_with_the_name_that_it_ships_under(made) -> None:
    output, entries = made
    names = {entry.name for entry in entries}
    assert {f"t5gemma-demo-{pair}{task}" for pair in FEW.pairs for task in ("", "-chat", "-cb")} <= names
    assert {"t5gemma-demo-l-l-trec", "t5gemma-demo-l-l-upos", "t5gemma-demo-l-l-entities"} <= names
    shipped = build_catalogue(Settings(), demo=output)
    listed = {c.name: c for c in shipped.all() if c.source == "embedded"}
    assert listed["t5gemma-demo-l-s-chat"].chats and listed["t5gemma-demo-l-s"].kind == "text"
    assert listed["t5gemma-demo-l-l-upos"].head == "token" and listed["t5gemma-demo-l-s-cb"].head == "sequence"
    assert "abbreviation" in listed["t5gemma-demo-l-l-trec"].labels
    same, other = listed["t5gemma-demo-l-l"], listed["t5gemma-demo-l-s"]
    assert same.encoder == other.encoder == same.decoder != other.decoder


def test_cards_name_base_data_and_figures(made) -> None:
    output, _ = made
    head = read_card(output / "t5gemma-demo-l-s-cb")
    assert head.training is not None and head.training.base == "t5gemma-demo-l-s"
    assert head.training.task == "superglue:cb" and "train finetune --task superglue:cb" in head.training.command
    assert "--data-dir DIR/superglue" in head.training.command and str(output) not in head.training.command
    assert "cut split" in head.description and head.training.scores[0].baseline is not None
    names = [use.name for use in head.training.data]
    assert any(name.startswith("SuperGLUE CB") for name in names)
    assert any("FairytaleQA" in name and "pretraining text" in name for name in names)
    entities = read_card(output / "t5gemma-demo-l-l-entities").training
    assert entities is not None and entities.base == "t5gemma-demo-l-l-upos"
    assert any("UD English EWT" in use.name and "upos" in use.name for use in entities.data)
    sentiment = read_card(output / "t5gemma-demo-l-l-sst2").training
    assert sentiment is not None and sentiment.base == "t5gemma-demo-l-l-sst2-begun"
    assert [use.part for use in sentiment.data if "SST-2" in use.name] == ["training", "evaluation"]
    assert any("word pieces" in use.name for use in sentiment.data)
    assert not any("SuperGLUE" in use.name for use in sentiment.data)
    assert "random weights and 400 word pieces" in (output / "t5gemma-demo-l-l-sst2" / "README.md").read_text()
    chat = read_card(output / "t5gemma-demo-l-l-chat")
    assert chat.training is not None and chat.training.scores[0].name == "exact answers, all skills"
    assert chat.examples and chat.stage == "instruction-tuned"
    assert any("WebQuestions" in use.name for use in chat.training.data)


def test_an_unbalanced_pair_trains_its_cross_attention_first(made) -> None:
    output, _ = made
    steps = {
        pair: json.loads((output / f"t5gemma-demo-{pair}.run" / "order.json").read_text())["plan cross_attention_steps"]
        for pair in FEW.pairs
    }
    assert steps == {"l-l": 0, "l-s": 1}


def test_no_file_of_weights_is_larger_than_asked(made) -> None:
    output, _ = made
    assert len(list((output / "t5gemma-demo-l-l").glob("*.safetensors"))) > 1
    read_folder(output / "t5gemma-demo-l-l")
    assert order(output, output).machine.shard_bytes < 10_000_000 and QUICK.measured > FULL.measured


def test_a_finished_family_does_nothing(made, data: Path) -> None:
    output, entries = made
    said: list[str] = []
    before = (output / FILE).stat().st_mtime_ns
    assert train_family(order(data, output), said.append) == entries
    assert said == [] and (output / FILE).stat().st_mtime_ns == before


def test_a_stopped_family_ends_with_the_weights_of_one_that_never_stopped(made, data: Path, tmp_path: Path) -> None:
    output, entries = made
    few = replace(FEW, heads=(), pairs=("l-s",), head_pairs=())
    train_family(replace(order(data, tmp_path), recipe=few))
    for name in ("gemma2-demo-l", "t5gemma-demo-l-s", "t5gemma-demo-l-s-chat", "t5gemma-demo-l-s-cb"):
        assert checkpoint_digest(tmp_path / name) == checkpoint_digest(output / name), name
    assert next(entry for entry in entries if entry.name == "t5gemma-demo-l-s").starts == 2


def test_another_recipe_is_refused_and_says_what_to_delete(made, data: Path) -> None:
    output, _ = made
    other = replace(FEW, chat=replace(FEW.chat, rate=0.5))
    with pytest.raises(InputError, match=r"another command.*Delete t5gemma-demo-l-l-chat and"):
        train_family(replace(order(data, output), recipe=other))


def test_other_conversations_are_refused_and_so_are_chats_that_were_taught_the_old_ones(data, tmp_path: Path) -> None:
    few = replace(FEW, heads=(), pairs=("l-l",), head_pairs=(), superglue=())
    train_family(replace(order(data, tmp_path), recipe=few))
    more = replace(order(data, tmp_path), recipe=replace(few, chat_rows=few.chat_rows + 1))
    with pytest.raises(InputError, match=rf"{re.escape(CONVERSATIONS)} was made with another command"):
        train_family(more)
    (tmp_path / CONVERSATIONS).unlink()
    with pytest.raises(InputError, match=r"t5gemma-demo-l-l-chat was made with another base"):
        train_family(more)


def test_other_data_are_refused(made, tmp_path: Path) -> None:
    output, _ = made
    other = write_data(tmp_path / "other")
    (other / "text" / "fairytales.txt").write_text("something else")
    with pytest.raises(InputError, match=r"fairytales.txt of the data folder"):
        train_family(order(other, output))
    (other / "classification" / "trec" / "train.jsonl").unlink()
    with pytest.raises(InputError, match=r"lacks classification/trec/train.jsonl"):
        train_family(order(other, tmp_path / "new"))
    assert not (tmp_path / "new").exists()


def test_tables_hold_every_finished_step(made) -> None:
    _, entries = made
    table = time_table(entries)
    assert "| SuperGLUE heads, l-s | 1 | 2 |" in table and table.splitlines()[-1].startswith("| all |")
    lines = score_lines(entries)
    assert any(line.startswith("t5gemma-demo-l-s-cb: accuracy") and "commonest" in line for line in lines)
