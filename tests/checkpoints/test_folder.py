"""Folders as people bring them: whole, damaged, foreign and hostile."""

from __future__ import annotations

import shutil
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t5gemma_app.checkpoints.catalogue import google_checkpoints
from t5gemma_app.checkpoints.folder import check_files, read_folder, read_snapshot
from t5gemma_app.checkpoints.weights import INDEX, SINGLE, read_header
from t5gemma_app.errors import (
    BrokenCheckpointError,
    CheckpointError,
    UnknownCheckpointError,
    UnsupportedCheckpointError,
)
from tests.checkpoints.files import TINY, WIDE, change_json, header_of, save, write

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("made") / "tiny")


@pytest.fixture(scope="module")
def made_in_shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = save(tmp_path_factory.mktemp("sharded") / "sharded", shards="100KB")
    assert (folder / INDEX).is_file()
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "tiny"))


@pytest.fixture
def sharded(made_in_shards: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made_in_shards, tmp_path / "sharded"))


def test_a_whole_folder_is_read_without_its_weights(folder: Path) -> None:
    checkpoint = read_folder(folder)
    check_files(folder)
    assert (checkpoint.name, checkpoint.source, checkpoint.location) == ("tiny", "local", str(folder))
    assert (checkpoint.encoder, checkpoint.decoder) == (TINY, WIDE)
    assert (checkpoint.pair, checkpoint.dtype, checkpoint.head) == ("62.8K-70.2K", "float32", "none")
    assert (checkpoint.objective, checkpoint.stage, checkpoint.licence) == ("unknown", "pretrained", "unknown")
    assert checkpoint.parameters is not None
    counted = sum(tensor.count for tensor in read_header(folder / SINGLE).values())
    assert checkpoint.parameters.total == counted
    assert read_folder(folder, "mine", "embedded").name == "mine"


def test_shards_are_read_like_one_file(sharded: Path, folder: Path) -> None:
    check_files(sharded)
    assert replace(read_folder(sharded), name="", location="") == replace(read_folder(folder), name="", location="")


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_the_stored_number_format_is_the_files_own(tmp_path: Path, dtype: str) -> None:
    import torch
    from transformers import T5GemmaConfig, T5GemmaForConditionalGeneration

    from t5gemma_app.checkpoints.sizes import t5gemma_config_dict

    model = T5GemmaForConditionalGeneration(T5GemmaConfig(**t5gemma_config_dict(TINY, WIDE)))
    model.to(getattr(torch, dtype)).save_pretrained(tmp_path / "half")
    assert read_folder(tmp_path / "half").dtype == dtype


@pytest.mark.parametrize("whole", [True, False])
def test_a_classifier_brings_its_labels(tmp_path: Path, whole: bool) -> None:
    names = {0: "no", 1: "maybe", 2: "yes"}
    folder = save(
        tmp_path / "c", "T5GemmaForSequenceClassification", is_encoder_decoder=whole, id2label=names, num_labels=3
    )
    checkpoint = read_folder(folder)
    check_files(folder)
    assert (checkpoint.head, checkpoint.labels) == ("sequence", ("no", "maybe", "yes"))
    assert (checkpoint.decoder is not None) == whole
    assert checkpoint.decoder_size == ("70.2K" if whole else "none")
    assert checkpoint.stage == "unknown"


@pytest.mark.parametrize("where", ["chat_template.jinja", "tokenizer_config.json"])
def test_a_chat_template_means_it_was_taught_to_chat(folder: Path, where: str) -> None:
    (folder / where).write_text('{"chat_template": "{{ messages }}"}', encoding="utf-8")
    assert read_folder(folder).chats


@pytest.mark.parametrize(
    ("name", "objective"), [("my-prefixlm-it", "prefixlm"), ("my-ul2", "ul2"), ("ul2-notes", "unknown")]
)
def test_the_objective_is_guessed_from_googles_way_of_naming(folder: Path, name: str, objective: str) -> None:
    assert read_folder(folder, name).objective == objective


def test_a_card_says_what_no_other_file_says(folder: Path) -> None:
    card = '{"objective": "ul2", "stage": "instruction-tuned", "licence": "apache-2.0", "examples": ["Hi"]}'
    (folder / "workbench.json").write_text(card, encoding="utf-8")
    checkpoint = read_folder(folder)
    assert (checkpoint.objective, checkpoint.stage, checkpoint.licence) == ("ul2", "instruction-tuned", "apache-2.0")
    assert checkpoint.examples == ("Hi",)


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ('{"stage": "expert"}', "stage"),
        ('{"licens": "mit"}', "licens"),
        ("[]", "not an object"),
        ("{", "not valid JSON"),
    ],
)
def test_a_wrong_card_is_told_by_field(folder: Path, card: str, words: str) -> None:
    (folder / "workbench.json").write_text(card, encoding="utf-8")
    with pytest.raises(BrokenCheckpointError, match=words):
        read_folder(folder)


def test_a_snapshot_of_the_hubs_cache_keeps_its_name_and_gains_its_revision(folder: Path, tmp_path: Path) -> None:
    blobs, snapshot = tmp_path / "blobs", tmp_path / "models--google--t5gemma-b-b-ul2-it" / "snapshots" / COMMIT
    shutil.move(folder, blobs)
    snapshot.mkdir(parents=True)
    for blob in blobs.iterdir():
        (snapshot / blob.name).symlink_to(blob)
    assert read_folder(snapshot).name == "t5gemma-b-b-ul2-it"
    known = next(checkpoint for checkpoint in google_checkpoints() if checkpoint.name == "t5gemma-b-b-ul2-it")
    read = read_snapshot(known, snapshot)
    assert (read.name, read.source, read.location) == (known.name, "hub", "google/t5gemma-b-b-ul2-it")
    assert (read.revision, read.dtype, read.encoder) == (COMMIT, "float32", TINY)
    assert (read.objective, read.stage, read.licence, read.gated) == ("ul2", "instruction-tuned", "gemma", True)


def _remove(name: str) -> Any:
    return lambda folder: (folder / name).unlink()


def _config(**changes: Any) -> Any:
    return lambda folder: change_json(folder / "config.json", **changes)


def _pickle(folder: Path) -> None:
    (folder / SINGLE).rename(folder / "pytorch_model.bin")


def _cut(count: int) -> Any:
    def cut(folder: Path) -> None:
        raw = (folder / SINGLE).read_bytes()
        (folder / SINGLE).write_bytes(raw[:count])

    return cut


def _header(change: Any) -> Any:
    def rewrite(folder: Path) -> None:
        header, data = header_of(folder / SINGLE)
        write(folder / SINGLE, change(header), data)

    return rewrite


def _eight_bits(header: dict[str, Any]) -> dict[str, Any]:
    for entry in header.values():
        if "dtype" in entry:
            entry["dtype"] = "F8_E4M3"
    return header


@pytest.mark.parametrize(
    ("damage", "error", "words"),
    [
        pytest.param(shutil.rmtree, UnknownCheckpointError, "no folder", id="no-folder"),
        pytest.param(_remove("config.json"), BrokenCheckpointError, "holds no config.json", id="no-config"),
        pytest.param(
            lambda f: (f / "config.json").write_text("{"), BrokenCheckpointError, "not valid JSON", id="broken-json"
        ),
        pytest.param(
            lambda f: (f / "config.json").write_bytes(b"\xff\xfe"),
            BrokenCheckpointError,
            "not valid JSON",
            id="not-utf-8",
        ),
        pytest.param(
            lambda f: (f / "config.json").write_text("[" * 100_000), BrokenCheckpointError, "not valid", id="deep-json"
        ),
        pytest.param(
            _config(model_type="gemma2", architectures=["Gemma2ForCausalLM"]),
            UnsupportedCheckpointError,
            "Gemma2ForCausalLM.*T5Gemma 2",
            id="other-architecture",
        ),
        pytest.param(_config(auto_map={"AutoConfig": "x.Y"}), UnsupportedCheckpointError, "never run", id="own-code"),
        pytest.param(
            lambda f: (f / "tokenizer_config.json").write_text('{"auto_map": {"AutoTokenizer": ["x.Y", null]}}'),
            UnsupportedCheckpointError,
            "never run",
            id="own-code-of-a-tokenizer",
        ),
        pytest.param(_remove(SINGLE), BrokenCheckpointError, "no weights", id="no-weights"),
        pytest.param(_pickle, UnsupportedCheckpointError, "pickle.*safetensors only.*save_pretrained", id="pickle"),
        pytest.param(_cut(4), BrokenCheckpointError, "header can't be -1", id="four-bytes"),
        pytest.param(_cut(100), BrokenCheckpointError, "header can't be", id="cut-in-the-header"),
        pytest.param(_cut(-1), BrokenCheckpointError, "its header announces", id="one-byte-short"),
        pytest.param(
            lambda f: (f / SINGLE).write_bytes(struct.pack("<Q", 2**63) + b"{}"),
            BrokenCheckpointError,
            "header can't be 9223372036854775808",
            id="endless-header",
        ),
        pytest.param(_header(lambda h: b"\x00" * 64), BrokenCheckpointError, "not JSON", id="header-of-zeros"),
        pytest.param(_header(lambda h: [1]), BrokenCheckpointError, "not an object", id="header-is-a-list"),
        pytest.param(_header(lambda h: {"__metadata__": {}}), BrokenCheckpointError, "no tensor", id="no-tensor"),
        pytest.param(_header(lambda h: h | {"x": 1}), BrokenCheckpointError, "entry of x", id="entry-is-a-number"),
        pytest.param(
            _header(lambda h: h | {"x": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}),
            BrokenCheckpointError,
            "entry of x is incomplete",
            id="negative-shape",
        ),
        pytest.param(
            _header(lambda h: h | {"x": {"dtype": "F32", "shape": [3], "data_offsets": [0, 4]}}),
            BrokenCheckpointError,
            "length of x does not fit",
            id="shape-and-offsets-differ",
        ),
        pytest.param(_header(_eight_bits), UnsupportedCheckpointError, "F8_E4M3", id="eight-bits"),
    ],
)
def test_what_is_wrong_is_told(folder: Path, damage: Any, error: type[CheckpointError], words: str) -> None:
    damage(folder)
    with pytest.raises(error, match=words):
        read_folder(folder)


def test_missing_shards_are_counted_and_named(sharded: Path) -> None:
    shards = sorted(sharded.glob("*.safetensors"))
    shards[1].unlink()
    with pytest.raises(BrokenCheckpointError, match=rf"1 of {len(shards)} weight files are missing.*{shards[1].name}"):
        read_folder(sharded)


@pytest.mark.parametrize(
    ("weight_map", "words"),
    [
        ({"a": "../../secret.safetensors"}, "names the file '../../secret.safetensors'"),
        ({"a": "/etc/passwd"}, "names the file '/etc/passwd'"),
        ({"a": 1}, "names the file 1"),
        ({}, "no weight_map"),
        ([], "no weight_map"),
    ],
)
def test_an_index_may_not_lead_out_of_the_folder(sharded: Path, weight_map: Any, words: str) -> None:
    change_json(sharded / INDEX, weight_map=weight_map)
    with pytest.raises(BrokenCheckpointError, match=words):
        read_folder(sharded)


def test_an_index_that_promises_more_than_the_files_hold(sharded: Path) -> None:
    first = sorted(sharded.glob("*.safetensors"))[0].name
    change_json(sharded / INDEX, weight_map={"model.absent": first})
    with pytest.raises(BrokenCheckpointError, match=r"1 tensors that no file holds, such as model\.absent"):
        read_folder(sharded)


@pytest.mark.parametrize(
    ("side", "key", "value", "words"),
    [
        ("encoder", "vocab_size", 98, "embed_tokens.weight has the shape 97 × 48"),
        ("decoder", "num_hidden_layers", 1, None),
        ("decoder", "num_hidden_layers", 3, "are missing, such as model.decoder.layers.2"),
        ("decoder", "intermediate_size", 97, "gate_proj.weight has the shape 96 × 64"),
    ],
)
def test_weights_of_another_configuration(folder: Path, side: str, key: str, value: int, words: str | None) -> None:
    import json

    config = json.loads((folder / "config.json").read_text())[side] | {key: value, "layer_types": None}
    change_json(folder / "config.json", **{side: config})
    read_folder(folder)
    if words is None:
        check_files(folder)  # further layers are transformers' to report
        return
    with pytest.raises(BrokenCheckpointError, match=words):
        check_files(folder)


def test_a_misspelt_folder_is_answered_with_its_neighbour(folder: Path) -> None:
    with pytest.raises(UnknownCheckpointError, match="Did you mean tiny"):
        read_folder(folder.parent / "tiyn")


@settings(max_examples=200, deadline=None)
@given(raw=st.binary(max_size=200))
def test_any_bytes_are_refused_as_weights_without_another_error(
    raw: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    path.write_bytes(struct.pack("<Q", max(0, len(raw) - 10)) + raw)
    with pytest.raises(BrokenCheckpointError):
        read_header(path)
