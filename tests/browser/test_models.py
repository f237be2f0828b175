"""The Models tab as a person uses it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def cells(page: Page, words: str) -> int:
    return page.locator("#models-table .body-cell", has_text=words).count()


def test_search_and_filters_narrow_the_table(page: Page) -> None:
    page.get_by_role("tab", name="Models").click()
    expect(page.locator("#models-table .body-cell", has_text="t5gemma-demo-chat").first).to_be_visible()
    page.locator("#models-search input, #models-search textarea").first.fill("9b-2b it")
    expect(page.locator("#models-table .body-cell", has_text="t5gemma-9b-2b-ul2-it").first).to_be_visible()
    expect(page.locator("#models-table .body-cell", has_text="t5gemma-demo-chat")).to_have_count(0)


def test_a_checkpoint_is_loaded_and_unloaded(page: Page) -> None:
    page.get_by_role("tab", name="Models").click()
    page.locator("#models-table .body-cell", has_text="other-model").first.click()
    expect(page.locator("#detail-heading h2")).to_have_text("other-model")
    expect(page.locator("#detail")).to_contain_text("Parameters")
    page.locator("#load").click()
    expect(page.locator("#unload")).to_be_visible()
    expect(page.locator("#models-table .body-cell", has_text="loaded").first).to_be_visible()
    page.locator("#unload").click()
    expect(page.locator("#load")).to_be_visible()


def test_a_checkpoint_out_of_reach_can_not_be_loaded(page: Page) -> None:
    page.get_by_role("tab", name="Models").click()
    page.locator("#models-table .body-cell", has_text="t5gemma-s-s-prefixlm-it").first.click()
    expect(page.locator("#detail-heading h2")).to_have_text("t5gemma-s-s-prefixlm-it")
    expect(page.locator("#load")).to_be_disabled()
    expect(page.locator("#detail .wb-access")).to_be_visible()
