"""The Look inside tab as a person uses it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import PATIENCE, SCREENSHOTS, Site, open_tab

pytestmark = pytest.mark.browser

PROMPT = "Where does the ferry to Oslo leave from?"


def shoot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(300)
    page.screenshot(path=SCREENSHOTS / f"look-{name}.png", full_page=True)


def look(page: Page) -> None:
    open_tab(page, "Look inside")
    page.locator("#look-prompt textarea").fill(PROMPT)
    page.locator("#look-start").click()
    expect(page.locator(".wb-look")).to_be_visible()


def strongest(page: Page) -> str:
    words = page.locator(".wb-look-source-word")
    return words.evaluate_all(
        "words => words.reduce((a, b) => +a.style.getPropertyValue('--depth') >= +b.style.getPropertyValue('--depth')"
        " ? a : b).textContent"
    )


def test_a_word_of_the_answer_lights_up_the_source(page: Page) -> None:
    look(page)
    answer, most = page.locator(".wb-look-word"), page.locator(".wb-look-most")
    expect(answer.first).to_have_attribute("aria-pressed", "true")
    first = strongest(page)
    answer.nth(5).hover()
    expect(answer.nth(5)).to_have_attribute("aria-pressed", "true")
    assert strongest(page) != first
    expect(most).to_contain_text(f"looked most at: {strongest(page)}")
    page.locator(".wb-look-about").hover()  # back to the word that was chosen
    expect(answer.first).to_have_attribute("aria-pressed", "true")
    answer.nth(3).focus()
    page.keyboard.press("Enter")
    expect(answer.nth(3)).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".wb-look-source")).to_contain_text(PROMPT)
    page.locator(".wb-look-map summary").click()
    expect(page.locator(".wb-look-map .wb-if-wide svg")).to_be_visible()
    shoot(page, "attention")

    before = most.inner_text()
    page.locator("#look-layer input[type=number]").fill("2")
    page.locator("#look-layer input[type=number]").press("Tab")
    expect(page.locator(".wb-look-map .wb-if-wide title").first).to_have_text(
        "Where the answer looked: layer 2, all heads"
    )
    expect(answer.nth(3)).to_have_attribute("aria-pressed", "true")  # the chosen word stays
    assert most.inner_text() != before
    with page.expect_download() as download:
        page.locator("#look-save").click()
    assert download.value.suggested_filename == "attention-layer2-heads.svg"
    assert Path(download.value.path()).read_text(encoding="utf-8").startswith("<?xml")


def test_two_lists_are_compared_and_a_file_is_searched(page: Page, tmp_path: Path) -> None:
    open_tab(page, "Look inside")
    page.locator("#look-mode").get_by_text("Similarity").click()
    page.locator("#similar-start").click()
    expect(page.locator(".wb-similar .wb-if-wide .wb-c-cell")).to_have_count(9)
    shoot(page, "similarity")
    with page.expect_download() as download:
        page.locator("#similar-save").click()
    assert download.value.suggested_filename == "similarity.svg"
    source = tmp_path / "rows.csv"
    source.write_text("text\nbread and butter\nthe late ferry\na boat\n")
    page.locator("#nearest-fold button.label-wrap").click()
    page.locator("#nearest-upload input[type=file]").set_input_files(source)
    expect(page.locator("#nearest-column input")).to_have_value("text")
    page.locator("#nearest-question textarea").fill("late ferry")
    page.locator("#nearest-start").click()
    expect(page.locator(".wb-nearest tbody tr").first).to_contain_text("the late ferry")
    shoot(page, "nearest")


def test_it_fits_a_phone_in_the_dark(chromium: Browser, site: Site) -> None:
    context: BrowserContext = chromium.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(site.address)
    page.wait_for_selector(".wb-start")
    look(page)
    page.locator(".wb-look-map summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shoot(page, "phone-dark")
    context.close()
