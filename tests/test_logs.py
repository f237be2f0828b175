from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t5gemma_app.logs import configure_logging, redact

TOKEN = "hf_" + "aB3" * 11 + "x"


@pytest.mark.parametrize("token", [TOKEN, "hf_oauth_eyJhbGciOi.eyJzdWIi_x-1.c2ln", "api_org_" + "Q" * 34])
@pytest.mark.parametrize("text", ["{}", "token={}", "Bearer {} refused", "'{}',", "https://user:{}@huggingface.co/x"])
def test_tokens_are_replaced_wherever_they_stand(token: str, text: str) -> None:
    shown = redact(text.format(token))
    assert token[8:] not in shown
    assert "_…" in shown


@pytest.mark.parametrize("text", ["hf_hub_download failed", "hf_raise_for_status", "the shelf_life", "hf_"])
def test_other_words_stay(text: str) -> None:
    assert redact(text) == text


@given(before=st.text(), after=st.text(alphabet=st.characters(exclude_categories=["L", "N"])))
def test_a_token_is_found_in_any_text(before: str, after: str) -> None:
    assert TOKEN not in redact(before + TOKEN + after)


def test_arguments_and_tracebacks_are_redacted_and_records_are_written_once(capsys: pytest.CaptureFixture[str]) -> None:
    package = logging.getLogger("t5gemma_app")
    before = (package.handlers, package.level, package.propagate)
    try:
        configure_logging("INFO")
        configure_logging("INFO")
        logger = logging.getLogger("t5gemma_app.somewhere")
        logger.info("asked with %s", TOKEN)
        logger.debug("not at this level")
        try:
            raise ValueError(f"bad {TOKEN}")
        except ValueError:
            logger.exception("it failed")
        shown = capsys.readouterr()
    finally:
        package.handlers, package.level, package.propagate = before
    assert shown.out == ""
    assert shown.err.count("asked with hf_…") == 1
    assert "ValueError: bad hf_…" in shown.err
    assert TOKEN not in shown.err
    assert "not at this level" not in shown.err


def test_other_loggers_keep_their_settings() -> None:
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    package = logging.getLogger("t5gemma_app")
    kept = (package.handlers, package.level, package.propagate)
    try:
        configure_logging("WARNING")
        assert (list(root.handlers), root.level) == before
        assert not package.propagate
    finally:
        package.handlers, package.level, package.propagate = kept
