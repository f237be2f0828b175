"""The Leaderboard tab as a person uses it."""

from __future__ import annotations

import csv
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from t5gemma_app.evaluation.records import Run
from t5gemma_app.evaluation.store import FILE, Store
from tests.browser.conftest import PATIENCE, SCREENSHOTS, Site, free_port
from tests.ui.board import FORMULA, HOSTILE, fill

pytestmark = pytest.mark.browser

ROWS = 45


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("board")


@pytest.fixture(scope="module")
def runs(folder: Path) -> dict[str, Run]:
    store = Store(folder / FILE)
    made = fill(store, folder, ROWS)
    store.close()
    return {run.spec.checkpoint: run for run in made}


@pytest.fixture(scope="module")
def board(folder: Path, runs: dict[str, Run]) -> Iterator[Site]:
    site = Site(folder, free_port()).start()
    yield site
    site.stop()


@pytest.fixture
def page(context: BrowserContext, board: Site) -> Iterator[Page]:
    """Yield the open tab; a test fails when the page complained on its console or ran what was in a name."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    opened(page, board.address + "?tab=leaderboard")
    yield page
    assert page.evaluate("window.hit") is None
    assert page.locator("#board img").count() == 0
    assert not [text for text in complaints if "ERR_CONNECTION" not in text]


def opened(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("#board-table table")).to_be_visible()
    expect(page.get_by_role("tab", name="Leaderboard")).to_have_attribute("aria-selected", "true")


def names(page: Page) -> list[str]:
    return page.locator("#board-table tr:not(.wb-printed) .wb-col-checkpoint > span").all_inner_texts()


def pick(page: Page, name: str) -> None:
    page.get_by_role("checkbox", name=f"Compare {name}", exact=True).click()
    expect(page.get_by_role("checkbox", name=f"Compare {name}", exact=True)).to_have_attribute("aria-checked", "true")


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlparse(page.url).query).items()}


def expect_query(page: Page, **wanted: str) -> None:
    """Wait for the address, which follows the table only after the table was drawn."""
    deadline = time.monotonic() + PATIENCE / 1000
    while query(page) != wanted and time.monotonic() < deadline:
        page.wait_for_timeout(50)
    assert query(page) == wanted


def choose(page: Page, ident: str, option: str) -> None:
    page.locator(f"#{ident} input").click()
    page.get_by_role("option", name=option, exact=True).click()


def test_the_address_opens_the_tab_and_other_tabs_have_none(page: Page) -> None:
    assert len(names(page)) == 9
    expect_query(page, tab="leaderboard")
    page.get_by_role("tab", name="Models").click()
    expect(page.locator("#models-table")).to_be_visible()
    expect_query(page)
    page.get_by_role("tab", name="Leaderboard").click()
    page.wait_for_function("location.search.includes('tab=leaderboard')")


def test_the_rest_of_the_address_is_left_alone(page: Page, board: Site) -> None:
    opened(page, board.address + "?tab=leaderboard&__theme=dark")
    page.wait_for_function("location.search.includes('__theme=dark')")
    page.locator(".wb-switch button", has_text="memory").click()
    page.wait_for_function("location.search.includes('axis=memory')")
    expect_query(page, tab="leaderboard", axis="memory", __theme="dark")
    page.get_by_role("tab", name="Models").click()
    page.wait_for_function("location.search === '?__theme=dark'")


def test_filters_search_and_sorting_narrow_and_order(page: Page) -> None:
    choose(page, "board-encoder", "b")
    expect(page.locator("#board-table [role=checkbox]")).to_have_count(4)
    page.locator("#board-search input, #board-search textarea").first.fill("-it")
    expect(page.locator("#board-table [role=checkbox]")).to_have_count(2)
    assert set(names(page)) == {"t5gemma-b-b-ul2-it", "t5gemma-b-b-ul2-it-again"}
    page.locator("#board-search input, #board-search textarea").first.fill("")
    expect(page.locator("#board-table [role=checkbox]")).to_have_count(4)
    speed = page.get_by_role("button", name="examples/s")
    speed.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#board-table th[aria-sort=descending]")).to_contain_text("examples/s")
    assert names(page)[0] == "t5gemma-b-b-ul2"
    expect(page.get_by_role("button", name="examples/s")).to_be_focused()  # the redrawn head keeps the keyboard's place
    page.keyboard.press("Enter")
    expect(page.locator("#board-table th[aria-sort=ascending]")).to_contain_text("examples/s")
    expect_query(page, tab="leaderboard", encoder="b", sort="speed")


def test_columns_and_kinds_of_rows_are_chosen(page: Page) -> None:
    expect(page.locator("#board-table tr.wb-printed").first).to_contain_text("Table 2(b)")
    page.locator("#board-published input").uncheck()
    expect(page.locator("#board-table tr.wb-printed")).to_have_count(0)
    page.locator("#board-partial input").uncheck()
    expect(page.locator("#board-table [role=checkbox]")).to_have_count(8)
    page.locator("#board-columns-fold button.label-wrap").click()
    page.get_by_label("peak memory").check()
    expect(page.locator("#board-table th", has_text="peak memory")).to_be_visible()
    page.get_by_label("tasks, one by one").uncheck()
    expect(page.locator("#board-table th", has_text="multirc")).to_have_count(0)


def test_the_chart_changes_its_axis_and_its_points_are_chosen(page: Page, runs: dict[str, Run]) -> None:
    expect(page.locator(".wb-pareto .wb-if-wide desc")).to_contain_text("l-l-ul2")
    page.locator(".wb-switch button", has_text="speed").click()
    expect(page.locator(".wb-pareto .wb-if-wide title").first).to_have_text("Score over examples per second")
    best = runs["t5gemma-l-l-ul2"].id[:15]
    page.locator(f'.wb-if-wide [data-board="pick:{best}"] .wb-c-reach').click()
    expect(page.locator("#board-table tr.wb-picked")).to_contain_text("t5gemma-l-l-ul2")
    expect(page).to_have_url(re.compile(f"[?&]a={best}"))  # the address follows the table
    assert query(page)["axis"] == "speed"


def test_the_legend_of_the_bars_has_their_colours(page: Page) -> None:
    keys = page.locator(".wb-by-task .wb-legend .wb-key")
    expect(keys.first).to_be_visible()
    shown = keys.evaluate_all("keys => keys.map(key => [getComputedStyle(key).backgroundColor, key.offsetHeight > 4])")
    drawn = [
        page.locator(f".wb-by-task rect.wb-c-series-{number}").first.evaluate("bar => getComputedStyle(bar).fill")
        for number in range(len(shown))
    ]
    assert shown == [[colour, True] for colour in drawn]
    assert len(set(drawn)) == len(drawn) > 1


def test_two_runs_are_compared_down_to_their_samples(page: Page) -> None:
    pick(page, "t5gemma-b-b-ul2")
    pick(page, HOSTILE)
    expect(page.locator(".wb-compare")).to_contain_text(HOSTILE)
    expect(page.locator(".wb-compare table tbody tr")).to_have_count(4)
    count = page.locator('.wb-count[data-board="show:first:rte"]')
    wanted = count.inner_text()
    count.click()
    expect(page.locator(".wb-samples-head")).to_contain_text(f"{wanted} sample")
    expect(page.locator("#board-task input")).to_have_value("rte")
    choose(page, "board-task", "boolq")
    choose(page, "board-show", "all samples")
    expect(page.locator(".wb-samples-head")).to_contain_text("1 of 5")
    page.get_by_role("button", name="Later samples").click()
    expect(page.locator(".wb-samples-head")).to_contain_text("2 of 5")
    page.locator(".wb-sample summary").first.click()
    expect(page.locator(".wb-sample[open] pre")).to_contain_text(f"<b>bold</b> {HOSTILE}")
    expect(page.locator(".wb-sample[open]")).to_contain_text("log-probability B")
    expect(page.locator(".wb-sample[open] .wb-gold")).to_contain_text("right answer")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#board-compare")).to_contain_text("Select two rows")
    expect(page.locator("#board-samples .wb-sample")).to_have_count(0)


def test_a_link_restores_the_view(page: Page, context: BrowserContext) -> None:
    choose(page, "board-dtype", "float32")
    page.get_by_role("button", name="examples/s").click()
    expect(page.locator("#board-table th[aria-sort=descending]")).to_contain_text("examples/s")
    pick(page, "t5gemma-b-b-ul2")
    pick(page, "t5gemma-l-l-ul2")
    page.locator('.wb-count[data-board="show:second:cb"]').click()
    expect(page.locator(".wb-samples-head")).to_contain_text("only B is right")
    page.locator("#board-link").click()
    expect(page.locator("#board-link")).to_have_text("Copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.url
    other = context.new_page()
    opened(other, link)
    expect(other.locator(".wb-samples-head")).to_contain_text("only B is right")
    expect(other.locator("#board-dtype input")).to_have_value("float32")
    expect(other.locator("#board-show input")).to_have_value("only B is right")
    expect(other.locator("#board-table th[aria-sort=descending]")).to_contain_text("examples/s")
    assert names(other) == names(page)
    assert other.url == link
    other.close()


def test_what_is_shown_is_saved(page: Page, tmp_path: Path) -> None:
    page.locator("#board-published input").uncheck()
    choose(page, "board-encoder", "b")
    expect(page.locator("#board-table [role=checkbox]")).to_have_count(4)
    with page.expect_download() as download:
        page.locator("#board-export-csv").click()
    assert download.value.suggested_filename == "made-up-1.csv"
    rows = list(csv.DictReader(Path(download.value.path()).read_text().splitlines()))
    assert len(rows) == 4 and rows[-1]["checkpoint"] == f"'{FORMULA}"
    with page.expect_download() as download:
        page.locator("#board-export-json").click()
    assert len(json.loads(Path(download.value.path()).read_text())) == 4
    pick(page, "t5gemma-b-b-ul2")
    with page.expect_download() as download:
        page.locator("#board-export-eval_results").click()
    assert "task_id" in Path(download.value.path()).read_text()


def test_a_partial_run_is_not_saved_for_the_hub(page: Page) -> None:
    pick(page, "t5gemma-2b-2b-ul2")
    page.locator("#board-export-eval_results").click()
    expect(page.locator("#board-notice .wb-problem")).to_contain_text("is partial")


def test_without_runs_the_tab_says_what_to_do(context: BrowserContext, site: Site) -> None:
    page = context.new_page()
    opened(page, site.address + "?tab=leaderboard")
    expect(page.locator(".wb-board-start h2")).to_have_text("No finished run yet")
    page.locator(".wb-board-start button").click()
    expect(page.get_by_role("tab", name="Evaluate")).to_have_attribute("aria-selected", "true")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_the_tab_fits_its_window(chromium: Browser, board: Site, runs: dict[str, Run], size: str, scheme: str) -> None:
    width, height = {"desktop": (1280, 900), "phone": (390, 844)}[size]
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    a, b = (runs[name].id[:15] for name in ("t5gemma-b-b-ul2", "t5gemma-l-l-ul2"))
    opened(page, f"{board.address}?tab=leaderboard&a={a}&b={b}&task=boolq&show=differ")
    page.locator(".wb-sample summary").first.click()
    shown, hidden = (".wb-if-wide", ".wb-if-narrow") if size == "desktop" else (".wb-if-narrow", ".wb-if-wide")
    expect(page.locator(f".wb-pareto {shown}")).to_be_visible()
    expect(page.locator(f".wb-pareto {hidden}")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(300)
    page.screenshot(path=SCREENSHOTS / f"leaderboard-{size}-{scheme}.png")
    page.screenshot(path=SCREENSHOTS / f"leaderboard-{size}-{scheme}-full.png", full_page=True)
    context.close()
