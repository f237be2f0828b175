"""A real Chromium and a served page, for tests marked `browser`."""

from __future__ import annotations

import contextlib
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

from t5gemma_app.checkpoints.records import Checkpoint
from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.services import Services
from t5gemma_app.ui.app import build, launch
from tests.ui.fakes import fake_services

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 30_000
"""Milliseconds until something that should happen counts as missing; a loaded machine is slow, not wrong."""
SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"


@dataclass
class Site:
    """A served page that can be stopped and started again on the same port."""

    folder: Path
    port: int
    engine: FakeEngine = field(default_factory=lambda: FakeEngine(delay=0.04))
    further: tuple[Checkpoint, ...] = ()
    blocks: object = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> Site:
        services = fake_services(self.folder, self.engine, self.further, port=self.port)
        self.blocks = build(services)
        launch(self.blocks, services, block=False)
        return self

    def stop(self) -> None:
        self.blocks.close()  # type: ignore[attr-defined]


@dataclass
class Server(Site):
    """A site whose files are worked on, and go on after it was shut down and started again."""

    services: Services | None = None

    def start(self) -> Server:
        self.services = fake_services(self.folder, self.engine, self.further, port=self.port)
        self.blocks = build(self.services)
        launch(self.blocks, self.services, block=False)
        return self

    def stop(self) -> None:
        assert self.services is not None
        self.services.close()
        super().stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        found = shutil.which("chromium") or shutil.which("chromium-browser")
        try:
            browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        except Error as error:
            pytest.skip(f"there is no Chromium to drive: {error}")
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("data"), free_port()).start()
    yield site
    site.stop()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, site: Site) -> Iterator[Page]:
    """Yield an open page; a test fails when the page complained on its console."""
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    open_page(page, site)
    yield page
    assert not [text for text in complaints if "ERR_CONNECTION" not in text]


def open_page(page: Page, site: Site) -> None:
    page.goto(site.address)
    page.wait_for_selector(".wb-start, .wb-thread")
    with contextlib.suppress(Error):
        page.wait_for_load_state("networkidle", timeout=1500)


def open_tab(page: Page, name: str) -> None:
    """Open a tab, from the menu where the window has no room for all of them."""
    tab = page.get_by_role("tab", name=name)
    listed = page.locator("#tabs .overflow-dropdown button", has_text=name)
    expect(tab.or_(listed)).to_have_count(1)
    if not tab.count():
        page.get_by_label("More tabs").click()
        tab = listed
    tab.click()
