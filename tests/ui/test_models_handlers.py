"""The catalogue as rows, and one checkpoint in detail."""

from __future__ import annotations

from pathlib import Path

import pytest

from t5gemma_app.ui.models_handlers import ACCESS, HEADERS, Filters, ModelsHandlers
from tests.ui.fakes import DEMO, HEAD, fake_services


@pytest.fixture
def handlers(tmp_path: Path) -> ModelsHandlers:
    services = fake_services(tmp_path)
    services.access.refresh(services.catalogue.all())
    return ModelsHandlers(services)


def names(handlers: ModelsHandlers, **wishes: object) -> list[str]:
    return [row[0] for row in handlers.rows(Filters(**wishes))]  # type: ignore[arg-type]


def test_every_checkpoint_has_a_row_of_text_and_the_usable_come_first(handlers: ModelsHandlers) -> None:
    rows = handlers.rows(Filters())
    assert sorted(row[0] for row in rows) == sorted(handlers.services.catalogue.names())
    assert all(len(row) == len(HEADERS) and all(isinstance(cell, str) for cell in row) for row in rows)
    assert [row[ACCESS] for row in rows[:3]] == ["ready"] * 3


def test_filters_narrow(handlers: ModelsHandlers) -> None:
    assert names(handlers, search="DEMO chat") == [DEMO.name]
    assert len(names(handlers, size="9b-2b")) == 4
    assert set(names(handlers, source="hub", stage="instruction-tuned", objective="ul2", size="2b-2b")) == {
        "t5gemma-2b-2b-ul2-it"
    }
    assert names(handlers, kind="sequence head") == [HEAD.name]
    assert names(handlers, search="no such thing") == []
    fitting = names(handlers, fits_only=True)
    assert DEMO.name in fitting and "t5gemma-9b-9b-ul2" not in fitting


def test_every_filter_offers_what_occurs(handlers: ModelsHandlers) -> None:
    for field, values in handlers.options().items():
        for value in values:
            assert names(handlers, **{field: value})


def test_a_head_is_told_from_a_checkpoint_that_chats(handlers: ModelsHandlers) -> None:
    heading, _, _, _ = handlers.detail(HEAD.name)
    assert "sequence head · ? encoder · 2 labels: good, bad" in heading
    assert "chat · 1M encoder · 1M decoder" in handlers.detail(DEMO.name)[0]


def test_loading_and_unloading_are_seen(handlers: ModelsHandlers) -> None:
    assert list(handlers.load(DEMO.name))[-1] == ""
    assert handlers.rows(Filters(search=DEMO.name))[0][ACCESS] == "loaded"
    _, load, unload, _ = handlers.detail(DEMO.name)
    assert (load["visible"], unload["visible"]) == (False, True)
    assert handlers.unload(DEMO.name) == ""
    assert handlers.rows(Filters(search=DEMO.name))[0][ACCESS] == "ready"


def test_what_is_out_of_reach_can_not_be_loaded(handlers: ModelsHandlers) -> None:
    (html,) = handlers.load("t5gemma-s-s-ul2")
    assert "wb-problem" in html
    heading, load, _, detail = handlers.detail("t5gemma-s-s-ul2")
    assert load["interactive"] is False and "t5gemma-s-s-ul2" in heading and "wb-access" in detail


def test_every_detail_can_be_shown(handlers: ModelsHandlers) -> None:
    for name in handlers.services.catalogue.names():
        heading, _, _, detail = handlers.detail(name)
        assert name in heading and "Licence" in detail
    assert "wb-problem" in handlers.detail("<b>nothing</b>")[0]
    assert "<b>" not in handlers.detail("<b>nothing</b>")[0]
