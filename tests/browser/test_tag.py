"""The Tag tab as a person uses it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from t5gemma_app.tasks.files.table import open_table, read_rows
from tests.browser.conftest import PATIENCE, SCREENSHOTS, Server, Site, free_port, open_page, open_tab
from tests.ui.fakes import DEMO, TAGGER
from tests.ui.naming import NamingEngine

pytestmark = pytest.mark.browser

ROWS = 240
TEXT = (
    "Ada Lovelace wrote to  Charles Babbage from London in 1843.\n\n"
    "Mia took the ferry from Bergen to Oslo 😀, <img src=x onerror='window.hit=1'> and יוסי היה בירושלים."
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    engine = NamingEngine(reply=lambda prompt, _: "- Ada Lovelace\n- Nobody" if "person" in prompt else "London")
    site = Site(tmp_path_factory.mktemp("data"), free_port(), engine, (TAGGER,)).start()
    yield site
    site.stop()


def shoot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(300)
    page.screenshot(path=SCREENSHOTS / f"tag-{name}.png", full_page=True)


def tagged(page: Page, text: str) -> None:
    page.locator("#tag-text textarea").fill(text)
    page.locator("#tag-start").click()
    expect(page.locator(".wb-tagged")).to_be_visible()


def marked(page: Page) -> list[str]:
    return page.locator("mark.wb-span:not(.wb-off)").evaluate_all(
        "marks => marks.map(one => one.firstChild.textContent)"
    )


def test_spans_are_marked_hidden_cut_off_and_saved(page: Page) -> None:
    open_tab(page, "Tag")
    expect(page.locator(".wb-tag-start")).to_contain_text("person, place, date")
    tagged(page, TEXT)
    assert page.locator(".wb-tag-text").inner_text().count("person") == 4
    assert marked(page) == ["Ada Lovelace", "Charles Babbage", "London", "1843", "Mia", "Bergen", "Oslo", "יוסי"]
    assert page.evaluate("window.hit") is None and page.locator("#tag-result img").count() == 0
    shoot(page, "spans")

    key = page.locator(".wb-tag-key", has_text="place")
    key.click()
    expect(key).to_have_attribute("aria-pressed", "false")
    assert "London" not in marked(page)
    expect(page.locator(".wb-tag-table tbody tr:visible")).to_have_count(5)
    key.click()

    page.locator("#tag-threshold input[type=number]").fill("0.9")
    page.locator("#tag-threshold input[type=number]").press("Tab")
    expect(page.locator(".wb-tag-key", has_text="place").locator("b")).to_have_text("2")
    assert "Oslo" not in marked(page) and "Charles Babbage" not in marked(page)
    with page.expect_download() as download:
        page.locator("#tag-export-json").click()
    spans = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))["spans"]
    assert [TEXT[span["start"] : span["end"]] for span in spans] == marked(page)
    with page.expect_download() as download:
        page.locator("#tag-export-conll").click()
    assert Path(download.value.path()).read_text(encoding="utf-8").startswith("Ada\tB-person\nLovelace\tI-person\n")

    page.get_by_role("button", name="as the model sees it").click()
    expect(page.locator(".wb-piece").nth(1)).to_have_text("▁LovelaceI-person")
    expect(page.locator(".wb-tag-text")).to_be_hidden()
    shoot(page, "pieces")


def test_labels_are_asked_for_and_a_file_is_tagged(page: Page, tmp_path: Path) -> None:
    open_tab(page, "Tag")
    page.locator("#tag-checkpoint input").click()
    page.get_by_role("option", name=DEMO.name, exact=True).click()
    page.locator("[data-tag-text]").first.click()
    expect(page.locator("mark.wb-span")).to_have_count(2)
    expect(page.locator(".wb-tag-foot")).to_contain_text("person “Nobody”")
    shoot(page, "asked")
    source = tmp_path / "letters.csv"
    source.write_text("text\n" + "Ada met Mia in Oslo\n" * 30)
    page.get_by_label("A file", exact=True).locator("visible=true").click(force=True)
    page.locator("#tag-checkpoint input").click()
    page.get_by_role("option", name=TAGGER.name, exact=True).click()
    page.locator("#tag-upload input[type=file]").set_input_files(source)
    expect(page.locator("#tag-preview tbody tr")).to_have_count(10)
    page.locator("#tag-start-file").click()
    row = page.locator("#tag-jobs .wb-file")
    expect(row).to_have_attribute("data-state", "done")
    expect(row.locator(".wb-histogram")).to_contain_text("person")
    shoot(page, "file")
    with page.expect_download() as download:
        row.get_by_role("button", name="jsonl").click()
    first = json.loads(Path(download.value.path()).read_text(encoding="utf-8").splitlines()[0])
    assert [span["label"] for span in first["spans"]] == ["person", "person", "place"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "data", free_port(), NamingEngine(delay=0.02), (TAGGER,)).start()
    yield server
    server.stop()


def begin_a_file(page: Page, server: Server) -> Locator:
    """Open the tab's part for files and return where they are listed."""
    open_page(page, server)
    open_tab(page, "Tag")
    page.get_by_label("A file", exact=True).locator("visible=true").click(force=True)
    return page.locator("#tag-jobs .wb-file")


def saved(page: Page, row: Locator, kind: str, folder: Path) -> list[dict[str, Any]]:
    with page.expect_download() as download:
        row.get_by_role("button", name=kind).click()
    download.value.save_as(folder / f"out.{kind}")
    return list(read_rows(open_table(folder / f"out.{kind}")))


@pytest.mark.slow
def test_a_file_outlives_the_page_and_the_server(context: BrowserContext, server: Server, tmp_path: Path) -> None:
    source = tmp_path / "letters.csv"
    source.write_text("id,letter\n" + "".join(f"{n},{'Mia in Oslo' if n % 8 else ''}\n" for n in range(ROWS)))
    page = context.new_page()
    row = begin_a_file(page, server)
    page.locator("#tag-upload input[type=file]").set_input_files(source)
    expect(page.locator("#tag-preview tbody tr")).to_have_count(10)
    page.locator("#tag-column input").click()
    page.get_by_role("option", name="letter", exact=True).click()
    expect(page.locator("#tag-preview th.wb-picked")).to_have_text("letter")
    shoot(page, "preview")
    page.locator("#tag-start-file").click()
    expect(row).to_have_attribute("data-state", "running")
    expect(row).to_contain_text("rows/s")
    expect(row).to_contain_text("left")
    row.get_by_role("button", name="Cancel").click()
    expect(row).to_have_attribute("data-state", "cancelled")
    row.get_by_role("button", name="Go on").click()
    expect(row).to_have_attribute("data-state", "running")

    page.close()  # nobody looks while the server is shut down and started again
    server.stop()
    server.engine = NamingEngine()
    server.start()
    page = context.new_page()
    row = begin_a_file(page, server)
    expect(row).to_have_attribute("data-state", "done")
    expect(row).to_contain_text(f"{ROWS} of {ROWS} rows")
    for kind in ("csv", "jsonl", "parquet"):
        rows = saved(page, row, kind, tmp_path)
        assert [one["id"] for one in rows] == [str(n) for n in range(ROWS)]
        assert rows[8]["error"] == "The text is empty."
        spans = rows[1]["spans"] if kind == "jsonl" else json.loads(rows[1]["spans"])
        assert [(span["label"], span["start"]) for span in spans] == [("person", 0), ("place", 7)]
    page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_file_fits_a_phone(chromium: Browser, site: Site, tmp_path: Path, theme: str) -> None:
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{site.address}?__theme={theme}")
    page.wait_for_selector(".wb-start")
    open_tab(page, "Tag")
    page.get_by_label("A file", exact=True).locator("visible=true").click(force=True)
    source = tmp_path / "letters.csv"
    source.write_text("id,text,from\n" + "1,Ada met Mia in Oslo and wrote to Charles Babbage about it,London\n" * 3)
    page.locator("#tag-upload input[type=file]").set_input_files(source)
    expect(page.locator("#tag-preview tbody tr")).to_have_count(3)
    page.locator("#tag-start-file").click()
    row = page.locator("#tag-jobs .wb-file").first
    expect(row).to_have_attribute("data-state", "done")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shoot(page, f"file-phone-{theme}")
    page.close()


def test_it_fits_a_phone_in_the_dark(chromium: Browser, site: Site) -> None:
    context: BrowserContext = chromium.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(site.address)
    page.wait_for_selector(".wb-start")
    open_tab(page, "Tag")
    tagged(page, TEXT)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shoot(page, "phone-dark")
    context.close()
