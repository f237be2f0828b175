"""The Compare tab as a person uses it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import PATIENCE, SCREENSHOTS, Site, open_page, open_tab

pytestmark = pytest.mark.browser

WINDOWS = {"desktop": (1280, 800), "phone": (390, 844)}
WORDS = " ".join(f"word{i}" for i in range(24))


def choose_style(page: Page, letter: str, name: str) -> None:
    page.locator(f"#compare-{letter}-preset label", has_text=name).click()
    expect(page.locator(f"#compare-{letter}-preset label.selected")).to_have_text(name)
    page.wait_for_timeout(300)  # the dials follow the style; a person takes longer to reach the prompt


def choose_checkpoint(page: Page, letter: str, name: str) -> None:
    page.locator(f"#compare-{letter}-checkpoint input").click()
    page.get_by_role("option", name=name).click()


def ask(page: Page, text: str) -> None:
    page.fill("#compare-message textarea", text)
    page.locator("#compare-message textarea").press("Enter")


def card(page: Page, letter: str) -> Locator:
    return page.locator(f"#compare-answer-{letter} article")


def vote(page: Page, words: str) -> None:
    page.locator(".wb-vote", has_text=words).click()
    expect(page.locator('.wb-vote[aria-pressed="true"]')).to_have_text(words)


def shoot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.wait_for_timeout(400)
    page.screenshot(path=SCREENSHOTS / f"compare-{name}.png", full_page=True)


def test_two_styles_of_the_demo_are_compared_and_the_vote_outlives_the_page(page: Page, tmp_path: Path) -> None:
    open_tab(page, "Compare")
    choose_checkpoint(page, "b", "t5gemma-demo-chat")
    choose_style(page, "b", "Balanced")
    ask(page, WORDS)
    expect(page.locator("#compare-verdict .wb-vote")).to_have_count(4)
    expect(page.locator("#compare-send")).to_be_visible()
    expect(card(page, "a")).to_contain_text("Greedy")
    assert page.locator("#compare-answer-a .wb-text").inner_text() == f"You said: {WORDS}"
    assert page.locator("#compare-answer-b mark").count() > 0
    assert sorted(page.locator("#compare-answer-b .wb-text").inner_text().split()) == sorted(
        f"You said: {WORDS}".split()
    )
    for said in ("Balanced", "First token", "tokens/s", "words as in A", "cpu", "float32", "sdpa"):
        expect(card(page, "b")).to_contain_text(said)

    vote(page, "A better")
    expect(page.locator(".wb-tally")).to_contain_text("1 vote in this browser")
    expect(page.locator('.wb-vote[aria-pressed="true"]')).to_be_focused()
    vote(page, "Tie")
    expect(page.locator(".wb-tally li").first).to_contain_text("0 of 1 won")
    page.reload()
    page.wait_for_selector(".wb-start, .wb-thread")
    open_tab(page, "Compare")
    expect(page.locator(".wb-tally")).to_contain_text("1 vote in this browser")
    assert page.locator("#compare-answer-a .wb-text").inner_text() == f"You said: {WORDS}"
    vote(page, "B better")
    expect(page.locator(".wb-tally li").first).to_contain_text("t5gemma-demo-chat · Balanced")
    with page.expect_download() as download:
        page.locator("#compare-csv").click()
    download.value.save_as(tmp_path / "votes.csv")
    (row,) = csv.DictReader(io.StringIO((tmp_path / "votes.csv").read_text(encoding="utf-8")))
    assert (row["prompt"], row["choice"], row["A_style"], row["B_style"]) == (WORDS, "B", "Greedy", "Balanced")
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator("#compare-clear").click()
    expect(page.locator(".wb-tally")).to_have_count(0)


def test_stopping_one_answer_or_all(page: Page, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    # Slow enough that a busy machine stops it in time.
    monkeypatch.setattr(site.engine, "delay", 0.25)
    open_tab(page, "Compare")
    ask(page, " ".join(f"word{i}" for i in range(120)))
    for letter in ("a", "b"):
        expect(page.locator(f"#compare-answer-{letter} .wb-streaming")).to_contain_text("said")
    page.get_by_role("button", name="Stop answer B").click()
    expect(card(page, "b")).to_contain_text("stopped")
    expect(page.locator("#compare-answer-a .wb-streaming")).to_be_visible()
    page.keyboard.press("Escape")
    expect(card(page, "a")).to_contain_text("stopped")
    expect(page.locator("#compare-send")).to_be_visible()
    assert site.engine.status().active == 0


@pytest.mark.parametrize(("window", "scheme"), [("desktop", "light"), ("desktop", "dark"), ("phone", "light")])
def test_how_it_looks(chromium: Browser, site: Site, window: str, scheme: str) -> None:
    width, height = WINDOWS[window]
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    context.set_default_timeout(PATIENCE)
    page, complaints = context.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    open_page(page, site)
    open_tab(page, "Compare")
    shoot(page, f"{window}-{scheme}-empty")
    choose_style(page, "b", "Creative")
    page.locator("#compare-count label", has_text="3").click()
    page.locator("#compare-blind input").check()
    page.locator("#compare-start .wb-example").first.click()
    expect(page.locator("#compare-verdict")).to_contain_text("Which answer is best?")
    assert page.locator("#compare-answers").get_by_text("t5gemma-demo-chat").count() == 0
    shoot(page, f"{window}-{scheme}-blind")
    page.locator(".wb-vote", has_text="2 best").click()  # its letter is only known afterwards
    expect(page.locator("#compare-answers").get_by_text("t5gemma-demo-chat").first).to_be_visible()
    shoot(page, f"{window}-{scheme}-voted")
    boxes = [page.locator(f"#compare-answer-{letter}").bounding_box() for letter in "ab"]
    assert boxes[0] and boxes[1]
    assert (boxes[0]["y"] == boxes[1]["y"]) == (window == "desktop")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert page.locator("#compare button.primary:visible").count() == 1
    context.close()
    assert not complaints
