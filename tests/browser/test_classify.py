"""The Classify tab as a person uses it: a text with its words, and a file that outlives the page and the server."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from t5gemma_app.engine.fake import FakeEngine
from tests.browser.conftest import SCREENSHOTS, Server, Site, free_port, open_page, open_tab
from tests.ui.fakes import DEMO, HEAD

pytestmark = pytest.mark.browser

ROWS = 240


def open_classify(page: Page) -> None:
    open_tab(page, "Classify")
    expect(page.locator("#classify-mode")).to_be_visible()


def choose(page: Page, name: str) -> None:
    page.locator("#classify-checkpoint input").click()
    page.get_by_role("option", name=name, exact=True).click()


def shoot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.wait_for_timeout(400)
    page.screenshot(path=SCREENSHOTS / f"classify-{name}.png", full_page=True)


def test_a_text_is_labelled_and_its_words_are_weighed(page: Page) -> None:
    open_classify(page)
    expect(page.locator(".wb-classify-start")).to_contain_text(HEAD.name)
    page.locator("#classify-text textarea").fill("A good day by the sea")
    page.locator("#classify-start").click()
    expect(page.locator(".wb-share")).to_have_count(2)
    choose(page, DEMO.name)
    page.locator("[data-classify-labels]").nth(1).click()
    expect(page.locator(".wb-share")).to_have_count(3)
    expect(page.locator(".wb-said-margin")).to_contain_text("points ahead of")
    page.locator("#classify-ask-why").click()
    expect(page.locator(".wb-why")).to_contain_text("Occlusion")
    shoot(page, "text")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_phone(chromium: Browser, site: Site, theme: str) -> None:
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{site.address}?__theme={theme}")
    page.wait_for_selector(".wb-start")
    open_classify(page)
    choose(page, DEMO.name)
    page.locator("[data-classify-labels]").first.click()
    expect(page.locator(".wb-share")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shoot(page, f"phone-{theme}")
    page.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "data", free_port(), FakeEngine(delay=0.02)).start()
    yield server
    server.stop()


def test_a_file_outlives_the_page_and_the_server(context: BrowserContext, server: Server, tmp_path: Path) -> None:
    source = tmp_path / "reviews.csv"
    source.write_text("id,review\n" + "".join(f'{n},"=text {n}"\n' if n % 8 else f"{n},\n" for n in range(ROWS)))
    page = context.new_page()
    open_page(page, server)
    open_classify(page)
    page.get_by_label("A file", exact=True).click(force=True)
    page.locator("#classify-upload input[type=file]").set_input_files(source)
    expect(page.locator(".wb-preview tbody tr")).to_have_count(10)
    shoot(page, "preview")
    page.locator("#classify-start-file").click()
    row = page.locator(".wb-file")
    expect(row).to_have_attribute("data-state", "running")
    expect(row.locator(".wb-histogram")).to_be_visible()
    shoot(page, "file")
    row.get_by_role("button", name="Cancel").click()
    expect(row).to_have_attribute("data-state", "cancelled")
    row.get_by_role("button", name="Go on").click()
    expect(row).to_have_attribute("data-state", "running")

    page.close()  # nobody looks while the server is shut down and started again
    server.stop()
    server.engine = FakeEngine()
    server.start()
    page = context.new_page()
    open_page(page, server)
    open_classify(page)
    page.get_by_label("A file", exact=True).click(force=True)
    row = page.locator(".wb-file")
    expect(row).to_have_attribute("data-state", "done")
    expect(row).to_contain_text(f"{ROWS} of {ROWS} rows")
    with page.expect_download() as download:
        row.get_by_role("button", name="csv").click()
    download.value.save_as(tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["id"] for row in rows] == [str(n) for n in range(ROWS)]
    assert rows[1]["review"] == "'=text 1" and rows[1]["label"] in HEAD.labels
    assert rows[8]["error"] == "The text is empty."
    page.close()
