"""The Evaluate tab as a person uses it: a run that is paused, resumed and cancelled, and outlives page and server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import gradio as gr
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.errors import EngineError
from t5gemma_app.services import Services
from t5gemma_app.ui.app import build, launch
from tests.browser import conftest
from tests.browser.conftest import PATIENCE, SCREENSHOTS, free_port
from tests.ui.evaluating import SMOKE_ROWS, evaluating_services

pytestmark = pytest.mark.browser

WINDOWS = {"desktop": (1280, 800), "phone": (390, 844)}


@dataclass
class Server:
    """A page with its runs, that can be shut down and started again on the same port and the same folder."""

    folder: Path
    port: int = field(default_factory=free_port)
    delay: float = 0.2
    """Seconds an example takes."""
    engine: FakeEngine = field(default_factory=FakeEngine)
    services: Services | None = None
    blocks: gr.Blocks | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> Server:
        self.engine = FakeEngine(delay=self.delay)
        self.services = evaluating_services(self.folder, self.engine, port=self.port)
        self.blocks = build(self.services)
        launch(self.blocks, self.services, block=False)
        return self

    def stop(self) -> None:
        assert self.blocks is not None and self.services is not None
        self.engine.delay = 0.0  # the batch that is being answered ends at once, and no other begins
        self.services.close()
        # Its connections end with it, as a process's do. A stream that outlived it would go on telling an open page
        # that the old server has stopped, and the page would never ask the new one.
        self.blocks.server.force_exit = True
        self.blocks.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path).start()
    yield server
    server.stop()


def open_tab(page: Page, server: Server) -> None:
    page.goto(server.address)
    conftest.open_tab(page, "Evaluate")
    expect(page.locator(".wb-sentence")).to_be_visible()


def answered(page: Page) -> int:
    bars = page.locator(".wb-run").first.locator("[role=progressbar]")
    return sum(int(bar.get_attribute("aria-valuenow") or 0) for bar in bars.all())


def grows(page: Page, beyond: int) -> None:
    deadline = time.monotonic() + PATIENCE / 1000
    while answered(page) <= beyond:
        assert time.monotonic() < deadline, "no progress was seen"
        page.wait_for_timeout(100)


def choose(page: Page, name: str, option: str) -> None:
    page.locator(f"#evaluate-{name} input").first.click()
    page.get_by_role("option", name=option, exact=True).click()
    page.keyboard.press("Escape")


def shoot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.wait_for_timeout(400)
    page.screenshot(path=SCREENSHOTS / f"evaluate-{name}.png", full_page=True)


def test_a_run_is_steered_and_outlives_the_page_and_the_server(context: BrowserContext, server: Server) -> None:
    page = context.new_page()
    open_tab(page, server)
    expect(page.locator(".wb-sentence")).to_have_text("Run smoke on t5gemma-demo-chat by rank, all its rows.")
    expect(page.locator(".wb-cost")).to_contain_text(f"{SMOKE_ROWS} examples · time unknown until the first batch")
    page.locator("#evaluate-start").click()
    row = page.locator(".wb-run").first
    expect(row).to_have_attribute("data-state", "running")
    grows(page, 0)

    row.get_by_role("button", name="Pause").click()
    expect(row).to_have_attribute("data-state", "paused")
    page.reload()
    page.get_by_role("tab", name="Evaluate").click()
    expect(row).to_have_attribute("data-state", "paused")
    paused_at = answered(page)
    row.get_by_role("button", name="Resume").click()
    expect(row).to_have_attribute("data-state", "running")
    grows(page, paused_at)

    page.close()  # nobody looks while the server is shut down and started again
    server.stop()
    server.delay = 1.0  # the run must not be over before a loaded machine shows it
    server.start()
    page = context.new_page()
    open_tab(page, server)
    row = page.locator(".wb-run").first
    expect(row).to_have_attribute("data-state", "running")
    assert answered(page) > paused_at
    grows(page, answered(page))

    page.once("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name="Cancel").click()
    expect(row).to_contain_text("ending after this batch")
    server.engine.delay = 0.0
    expect(row).to_have_attribute("data-state", "cancelled")
    cancelled_at = answered(page)
    page.wait_for_timeout(1500)
    assert answered(page) == cancelled_at < SMOKE_ROWS


def test_the_page_that_saw_the_server_go_sees_the_run_go_on(context: BrowserContext, server: Server) -> None:
    page = context.new_page()
    open_tab(page, server)
    page.locator("#evaluate-start").click()
    grows(page, 0)
    page.evaluate("window.before = true")
    server.stop()
    # A page that asks for nothing while the server is away goes on with the new one, and has nothing to reload for.
    expect(page.get_by_text("Connection to the server was lost")).to_be_visible()
    server.delay = 1.0
    server.start()
    page.wait_for_function("() => !window.before")
    page.get_by_role("tab", name="Evaluate").click()
    grows(page, answered(page))


def test_the_sentence_follows_the_controls(context: BrowserContext, server: Server) -> None:
    page = context.new_page()
    open_tab(page, server)
    choose(page, "checkpoints", "other-model")
    expect(page.locator(".wb-sentence")).to_contain_text("on 2 checkpoints by rank")
    expect(page.locator("#evaluate-start")).to_have_text("Start 2 runs")
    page.locator("#evaluate-method label", has_text="generate").click()
    page.locator("#evaluate-limit input").fill("3")
    page.keyboard.press("Tab")
    expect(page.locator(".wb-sentence")).to_have_text("Run smoke on 2 checkpoints by generate, 3 rows a task.")
    choose(page, "suite", "superglue-quick")
    expect(page.locator("#evaluate-cost .wb-problem")).to_contain_text("T5GEMMA_SUPERGLUE_DIR")
    page.locator("#evaluate-smoke").click()
    expect(page.locator("#evaluate-smoke")).to_be_hidden()
    expect(page.locator(".wb-cost")).to_contain_text("examples")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("window", list(WINDOWS))
def test_how_it_looks(chromium: Browser, server: Server, window: str, scheme: str) -> None:
    width, height = WINDOWS[window]
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    context.set_default_timeout(PATIENCE)
    page, complaints = context.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    open_tab(page, server)
    shoot(page, f"{window}-{scheme}-empty")
    choose(page, "checkpoints", "other-model")
    page.locator("#evaluate-start").click()
    grows(page, 20)
    expect(page.locator(".wb-going")).to_be_visible()
    shoot(page, f"{window}-{scheme}-running")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert page.locator(".wb-banner").count() == 1
    page.get_by_role("tab", name="Chat").click()
    page.locator(".wb-going button").click()
    expect(page.locator(".wb-sentence")).to_be_visible()

    page.locator(".wb-run").nth(1).get_by_role("button", name="Pause").click()
    expect(page.locator('[data-state="paused"]')).to_be_visible()
    server.engine.delay = 0.0
    expect(page.locator('[data-state="done"]')).to_be_visible()
    server.engine.failure = EngineError("The device ran out of <memory>.", remedy="Choose a smaller checkpoint.")
    page.locator("#evaluate-method label", has_text="generate").click()
    expect(page.locator(".wb-sentence")).to_contain_text("by generate")
    page.locator("#evaluate-start").click()
    expect(page.locator('[data-state="failed"]')).to_have_count(2)
    shoot(page, f"{window}-{scheme}-ended")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    page.get_by_role("button", name="Leaderboard").click()
    expect(page.get_by_role("tab", name="Leaderboard")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#board")).to_contain_text("t5gemma-demo-chat")
    context.close()
    assert not complaints
