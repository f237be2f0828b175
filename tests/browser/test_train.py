"""The Train tab as a person uses it: rows that are checked, a run that outlives the server, and its checkpoint."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import gradio as gr
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from t5gemma_app.services import Services
from t5gemma_app.training.jobs import TrainState
from t5gemma_app.ui.app import build, launch
from tests.browser import conftest
from tests.browser.conftest import PATIENCE, SCREENSHOTS, free_port
from tests.training.rows import opinions, save_base, write_rows
from tests.ui.training import training_services, write_run

pytestmark = pytest.mark.browser

WINDOWS = {"desktop-light": (1280, 800, "light"), "phone-dark": (390, 844, "dark")}
STARTING = 8 * PATIENCE
"""Milliseconds that a process may take to load torch on a loaded machine."""


@dataclass
class Server:
    """A page with its runs, that can be shut down and started again on the same port and the same folder."""

    folder: Path
    base: Path | None = None
    idle: bool = False
    """Whether no run is ever begun."""
    port: int = field(default_factory=free_port)
    services: Services | None = None
    blocks: gr.Blocks | None = None

    def start(self) -> Server:
        self.services = training_services(self.folder / "data", self.base, port=self.port)
        if self.idle:
            self.services.training().close()
        self.blocks = build(self.services)
        launch(self.blocks, self.services, block=False)
        return self

    def stop(self) -> None:
        assert self.blocks is not None and self.services is not None
        self.services.close()
        self.blocks.close()


def open_train(page: Page, server: Server) -> None:
    page.goto(f"http://127.0.0.1:{server.port}/")
    conftest.open_tab(page, "Train")
    expect(page.locator("#train-sentence .wb-sentence")).to_be_visible()


def shoot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.wait_for_timeout(400)
    page.screenshot(path=SCREENSHOTS / f"train-{name}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


def bring(page: Page, file: Path) -> None:
    files = page.locator("#train-upload input[type=file]")
    clear = page.locator("#train-upload .icon-button-wrapper button").last
    expect(files.or_(clear).first).to_be_attached()
    if not files.count():
        clear.click()
    files.set_input_files(file)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path, save_base(tmp_path / "tiny-base")).start()
    yield server
    server.stop()


@pytest.mark.slow
def test_a_run_is_checked_started_outlives_the_server_and_is_listed(context: BrowserContext, server: Server) -> None:
    page = context.new_page()
    open_train(page, server)
    expect(page.locator("#trainings")).to_contain_text("Nothing was trained yet")
    expect(page.locator("#train-start")).to_be_disabled()
    page.locator("#train-checkpoint input").click()
    page.get_by_role("option", name="tiny-base").click()
    bring(page, write_rows(server.folder / "wrong.jsonl", [{"text": "a", "label": "x"}] * 20))
    expect(page.locator("#train-said .wb-problem")).to_contain_text("All rows have the label 'x'.")
    bring(page, write_rows(server.folder / "rows.jsonl", opinions(60)))
    expect(page.locator("#train-said")).to_contain_text("54 rows to learn from")
    expect(page.locator("#train-preview th.wb-picked").first).to_have_text("text")
    page.locator("#train-epochs input").fill("30")
    page.locator("#train-batch-rows input").fill("8")
    page.keyboard.press("Tab")
    expect(page.locator("#train-said")).to_contain_text("210 steps")
    page.locator("#train-name input").fill("opinions")
    expect(page.locator(".wb-sentence").last).to_contain_text(
        "Teach tiny-base to label texts by the rows of rows.jsonl"
    )
    shoot(page, "checked")
    page.locator("#train-start").click()
    row = page.locator('[data-run="opinions"].wb-training')
    expect(row.locator("svg").first).to_be_attached(timeout=STARTING)

    page.close()  # nobody looks while the server is shut down and started again
    server.stop()
    server.start()
    page = context.new_page()
    open_train(page, server)
    row = page.locator('[data-run="opinions"].wb-training')
    expect(row).to_have_attribute("data-state", "done", timeout=STARTING)
    row.get_by_role("button", name="Open Classify").click()
    expect(page.get_by_role("tab", name="Classify")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#classify-checkpoint input")).to_have_value(re.compile("^opinions"))
    expect(page.locator("#classify-labels")).to_be_hidden()  # the head has labels of its own


@pytest.mark.parametrize("window", list(WINDOWS))
def test_how_it_looks(chromium: Browser, tmp_path: Path, window: str) -> None:
    width, height, scheme = WINDOWS[window]
    server = Server(tmp_path, idle=True)
    for name, state, step, failure in (
        ("first-try", TrainState.FAILED, 90, "The loss is no number in step 91. Lower the learning rate."),
        ("second-try", TrainState.CANCELLED, 120, ""),
        ("sentiment", TrainState.DONE, 300, ""),
        ("my-classifier", TrainState.RUNNING, 170, ""),
    ):
        write_run(tmp_path / "data", name, state, step, failure=failure)
    server.start()
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE)
    page, complaints = context.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    open_train(page, server)
    expect(page.locator(".wb-training")).to_have_count(4)
    expect(page.locator(".wb-training").first).to_have_attribute("data-run", "my-classifier")
    bring(page, write_rows(tmp_path / "rows.jsonl", opinions(60)))
    expect(page.locator("#train-said")).to_contain_text("54 rows to learn from")
    shoot(page, window)
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator('[data-run="first-try"].wb-training').get_by_role("button", name="Delete").click()
    expect(page.locator(".wb-training")).to_have_count(3)
    context.close()
    server.stop()
    assert not complaints
