"""How the page looks: screenshots for people, and what a program can check of them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PATIENCE, SCREENSHOTS, Site, open_page, open_tab

pytestmark = pytest.mark.browser

SIZES = {"desktop": (1280, 800), "wide": (1680, 1000), "phone": (390, 844)}


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def shoot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.wait_for_timeout(300)
    page.screenshot(path=SCREENSHOTS / f"{name}.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", list(SIZES))
def test_every_screen_fits_its_window(chromium: Browser, site: Site, size: str, scheme: str) -> None:
    width, height = SIZES[size]
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    open_page(page, site)
    shoot(page, f"{size}-{scheme}-empty")
    assert overflow(page) == 0
    assert page.evaluate("scrollY") == 0

    site.engine.delay = 0.12  # slow enough to be seen at work
    page.locator("#message textarea").fill("Which words come back? " * 4 + "\n\nOn a second paragraph, too.")
    page.locator("#send").click()
    expect(page.locator(".wb-streaming")).to_be_visible()
    expect(page.locator("#stop")).to_be_visible()
    shoot(page, f"{size}-{scheme}-streaming")
    expect(page.locator(".wb-note")).to_be_visible()
    site.engine.delay = 0.0
    shoot(page, f"{size}-{scheme}-answer")
    assert overflow(page) == 0

    if size == "phone":
        for panel in ("chat-left", "chat-right"):
            page.locator(f'[data-panel="{panel}"]').click()
            expect(page.locator(f"#{panel}")).to_be_visible()
            shoot(page, f"{size}-{scheme}-{panel}")
            assert overflow(page) == 0
            page.locator(f'[data-panel="{panel}"]').click()
            expect(page.locator(f"#{panel}")).to_be_hidden()
    page.locator(".wb-banner summary").click()
    page.locator(".wb-state summary").click()
    expect(page.locator(".wb-reasons")).to_be_visible()
    shoot(page, f"{size}-{scheme}-reasons")
    assert overflow(page) == 0

    page.locator(".wb-banner summary").click()
    open_tab(page, "Models")
    page.locator("#models-table .body-cell", has_text="t5gemma-demo-chat").first.click()
    expect(page.locator("#detail-heading h2")).to_have_text("t5gemma-demo-chat")
    shoot(page, f"{size}-{scheme}-models")
    assert overflow(page) == 0
    context.close()


def test_the_message_box_has_the_focus_and_tab_reaches_send(page: Page) -> None:
    expect(page.locator("#message textarea")).to_be_focused()
    page.keyboard.type("line one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("line two")
    expect(page.locator("#message textarea")).to_have_value("line one\nline two")
    page.keyboard.press("Tab")
    expect(page.locator("#send")).to_be_focused()


def test_nothing_is_fetched_from_elsewhere(chromium: Browser, site: Site) -> None:
    context = chromium.new_context()
    page, foreign = context.new_page(), []
    page.on("request", lambda request: foreign.append(request.url) if "127.0.0.1" not in request.url else None)
    open_page(page, site)
    context.close()
    assert [address for address in foreign if not address.startswith(("data:", "blob:"))] == []
