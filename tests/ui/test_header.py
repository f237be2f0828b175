"""The strip on top of every tab."""

from __future__ import annotations

from pathlib import Path

from t5gemma_app.checkpoints.access import AccessState
from t5gemma_app.checkpoints.placement import Placement, Reason
from t5gemma_app.engine.fake import FACTS
from t5gemma_app.engine.types import EngineStatus, LoadedCheckpoint
from t5gemma_app.settings import DataFolder
from t5gemma_app.ui.header import banner_html, header_html, state_sentence

FLASH = Placement("cuda:0", "bfloat16", "flash_attention_2", reasons=(Reason("device", "cuda:0", "the <only> GPU"),))
LOADED = LoadedCheckpoint("t5gemma-b-b-ul2-it", FLASH, 1_300_000_000, 4.0, busy=False)
KEPT, LOST = DataFolder(Path("/d"), True, "set"), DataFolder(Path("/t"), False, "none")


def test_the_state_is_one_sentence() -> None:
    assert "Starting" in state_sentence(EngineStatus(None))
    assert state_sentence(EngineStatus(FACTS, budget_bytes=14_000_000_000)) == "Nothing loaded · cpu · 0.0 of 14 GB"
    status = EngineStatus(FACTS, (LOADED,), 14_000_000_000, 1_300_000_000)
    assert state_sentence(status) == "t5gemma-b-b-ul2-it · cuda:0 · bfloat16 · flash attention 2 · 1.3 of 14 GB"
    assert "and 1 more" in state_sentence(EngineStatus(FACTS, (LOADED, LOADED), 1, 1))
    assert "did not start" in state_sentence(EngineStatus(None, failure="no torch"))


def test_reasons_and_failures_are_text() -> None:
    assert "the &lt;only&gt; GPU" in header_html(EngineStatus(FACTS, (LOADED,), 1, 1))
    assert "&lt;i&gt;" in header_html(EngineStatus(None, failure="<i>"))


def test_one_banner_by_importance() -> None:
    ready, shut = {AccessState.READY, AccessState.OFFLINE}, {AccessState.TOKEN_MISSING}
    lost = {"answering": "<demo>", "data_folder": LOST, "space": "me/it"}
    assert "broken &lt;1&gt;" in banner_html(["broken <1>"], shut, **lost)
    steps = banner_html([], shut, **lost)
    assert steps.count("<li>") == 3 and "spaces/me/it/settings" in steps and "&lt;demo&gt; answers" in steps
    assert "can&#x27;t be reached" in banner_html([], {AccessState.OFFLINE}, **lost)
    assert "storage bucket" in banner_html([], ready, **lost)
    assert banner_html([], ready, answering="", data_folder=KEPT, space="me/it") == ""
    assert banner_html([], ready, answering="", data_folder=LOST, space=None) == ""
    assert banner_html([], {AccessState.UNCHECKED}, answering="", data_folder=KEPT, space=None) == ""
