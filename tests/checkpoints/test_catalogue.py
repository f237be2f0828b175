from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.checkpoints.catalogue import PREFERRED, Catalogue, build_catalogue, google_checkpoints
from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.errors import BrokenCheckpointError, UnknownCheckpointError
from t5gemma_app.settings import Settings
from tests.checkpoints.files import save

GOOGLE = Catalogue(google_checkpoints())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("runs") / "mine")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two embedded checkpoints, one that chats and one that does not, and one that is damaged."""
    root = tmp_path_factory.mktemp("demo")
    save(root / "base")
    (save(root / "chat") / "chat_template.jinja").write_text("{{ messages }}", encoding="utf-8")
    (save(root / "damaged") / "model.safetensors").write_bytes(b"")
    return root


def nothing(checkpoint: Checkpoint) -> bool:
    return False


def test_googles_checkpoints_are_all_there_and_described() -> None:
    names = GOOGLE.names()
    assert len(names) == len(set(names)) == 35
    checkpoint = GOOGLE.find("t5gemma-9b-2b-ul2-it")
    assert (checkpoint.pair, checkpoint.objective, checkpoint.stage) == ("9b-2b", "ul2", "instruction-tuned")
    assert (checkpoint.location, checkpoint.licence, checkpoint.gated) == ("google/t5gemma-9b-2b-ul2-it", "gemma", True)
    assert checkpoint.chats
    assert sum(c.chats for c in GOOGLE.all()) == 16
    assert {c.family for c in GOOGLE.all() if c.name.startswith("t5gemma-2-")} == {"t5gemma2"}
    assert not any(c.chats for c in GOOGLE.all() if c.family == "t5gemma2")


@pytest.mark.parametrize("words", ["t5gemma-s-s-ul2", "google/t5gemma-s-s-ul2", " T5Gemma-S-S-UL2 "])
def test_a_checkpoint_is_found_by_name_or_hub_id(words: str) -> None:
    assert GOOGLE.find(words).name == "t5gemma-s-s-ul2"


def test_an_unknown_name_is_answered_with_the_closest() -> None:
    with pytest.raises(UnknownCheckpointError, match="Did you mean t5gemma-s-s-ul2"):
        GOOGLE.find("google/t5gema-s-s-ul2")


@given(words=st.text(max_size=300))
def test_find_takes_any_text_from_strangers(words: str) -> None:
    try:
        found = GOOGLE.find(words)
    except UnknownCheckpointError:
        return
    assert words.strip().casefold() in (found.name.casefold(), found.location.casefold())


def test_find_never_opens_a_folder_and_resolve_does(folder: Path) -> None:
    with pytest.raises(UnknownCheckpointError):
        GOOGLE.find(str(folder))
    assert GOOGLE.resolve(str(folder)).name == "mine"


def test_resolve_takes_names_folders_and_anybodys_hub_ids(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    assert GOOGLE.resolve("mine").source == "local"
    assert GOOGLE.resolve("./mine").source == "local"
    assert GOOGLE.resolve("t5gemma-b-b-ul2").source == "hub"
    stranger = GOOGLE.resolve("somebody/t5gemma-poems")
    assert (stranger.source, stranger.location, stranger.encoder) == ("hub", "somebody/t5gemma-poems", None)


@pytest.mark.parametrize("words", ["/no/such/folder", "./missing", "google/t5gemma-b-b-ul3", "nonsense"])
def test_resolve_refuses_what_is_nowhere(words: str) -> None:
    with pytest.raises(UnknownCheckpointError):
        GOOGLE.resolve(words)


def test_a_misspelt_folder_is_not_taken_for_a_hub_id(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent.parent)
    with pytest.raises(UnknownCheckpointError, match=r"no folder.*Did you mean mine"):
        GOOGLE.resolve(f"{folder.parent.name}/mien")


def test_embedded_and_configured_checkpoints_are_listed_and_problems_are_kept(demo: Path, folder: Path) -> None:
    settings = Settings(checkpoints=(str(folder), "somebody/poems", "/no/such/folder", str(folder)))
    catalogue = build_catalogue(settings, demo)
    assert catalogue.names()[35:] == ("base", "chat", "mine", "somebody/poems")
    assert catalogue.find("chat").source == "embedded"
    assert catalogue.find(str(folder)) == catalogue.find("mine")
    assert len(catalogue.problems) == 2
    assert catalogue.problems[0].startswith("damaged: ")
    assert "/no/such/folder" in catalogue.problems[1]


def test_two_folders_of_one_name_get_two_names(demo: Path, tmp_path: Path) -> None:
    other, third = save(tmp_path / "a" / "chat"), save(tmp_path / "b" / "a" / "chat")
    catalogue = build_catalogue(Settings(checkpoints=(str(other), str(third))), demo)
    assert catalogue.names()[35:] == ("base", "chat", "a/chat", "chat (2)")
    assert catalogue.find("chat (2)").location == str(third)


def test_the_owners_choice_is_opened(demo: Path, folder: Path) -> None:
    for wish, name in ((str(folder), "mine"), ("t5gemma-s-s-ul2", "t5gemma-s-s-ul2")):
        settings = Settings(checkpoint=wish)
        checkpoint, reason = build_catalogue(settings, demo).default(settings, nothing)
        assert (checkpoint.name, reason) == (name, "set by T5GEMMA_CHECKPOINT")


def test_an_owners_choice_that_cannot_be_used_is_an_error_not_another_checkpoint(demo: Path) -> None:
    settings = Settings(checkpoint=str(demo / "damaged"))
    catalogue = build_catalogue(settings, demo)
    assert any("damaged" in problem for problem in catalogue.problems)
    with pytest.raises(BrokenCheckpointError):
        catalogue.default(settings, nothing)


def test_the_best_reachable_chat_checkpoint_of_google_is_opened_else_the_embedded_one(demo: Path) -> None:
    settings = Settings()
    catalogue = build_catalogue(settings, demo)
    checkpoint, reason = catalogue.default(settings, lambda c: c.name.startswith(("t5gemma-b-b", "t5gemma-s-s")))
    assert checkpoint.name == "t5gemma-b-b-prefixlm-it"
    assert "Google" in reason
    checkpoint, reason = catalogue.default(settings, nothing)
    assert checkpoint.name == "chat"
    assert "embedded" in reason


def test_the_preferred_ones_exist_and_chat_best_first() -> None:
    found = [GOOGLE.find(name) for name in PREFERRED]
    assert all(checkpoint.chats for checkpoint in found)
    totals = [checkpoint.parameters.total for checkpoint in found if checkpoint.parameters]
    assert totals == sorted(totals, reverse=True)


def test_something_is_opened_as_long_as_anything_is_listed() -> None:
    assert GOOGLE.default(Settings(), nothing)[0] == GOOGLE.all()[0]
    name = "t5gemma-xl-xl-ul2"
    assert GOOGLE.default(Settings(), lambda c: c.name == name)[0].name == name
    with pytest.raises(UnknownCheckpointError, match="no checkpoint at all"):
        Catalogue(()).default(Settings(), nothing)


def test_a_head_is_not_opened_while_something_writes() -> None:
    head = Checkpoint("head", "local", "/head", head="sequence", labels=("good", "bad"))
    writes = Checkpoint("writes", "local", "/writes", stage="pretrained")
    assert (head.kind, writes.kind) == ("sequence head", "text")
    assert Catalogue((head, writes)).default(Settings(), lambda _: True)[0] == writes


def test_building_takes_milliseconds(demo: Path) -> None:
    build_catalogue(Settings(), demo)
    started = time.process_time()
    build_catalogue(Settings(), demo)
    assert time.process_time() - started < 0.1


def test_the_embedded_checkpoints_of_this_repository_are_sound() -> None:
    assert build_catalogue(Settings()).problems == ()
