"""The Chat tab as a person uses it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site, open_page

pytestmark = pytest.mark.browser


def send(page: Page, text: str, *, wait: bool = True) -> None:
    page.fill("#message textarea", text)
    page.keyboard.press("Enter")
    if wait:
        expect(page.locator("#message textarea")).to_have_value("")
        finished(page)


def finished(page: Page) -> None:
    expect(page.locator("#live .wb-live")).to_have_count(0)
    expect(page.locator("#send")).to_be_visible()


def answers(page: Page) -> list[str]:
    return page.locator(".wb-answer .wb-text").all_inner_texts()


def messages(page: Page) -> list[str]:
    return page.locator(".wb-user .wb-text").all_inner_texts()


def choose_style(page: Page, name: str) -> None:
    page.locator("#preset label", has_text=name).click()


def test_an_answer_streams_and_gets_its_quiet_line(page: Page) -> None:
    send(page, " ".join(f"word{i}" for i in range(60)), wait=False)
    expect(page.locator(".wb-streaming")).to_be_visible()
    early = page.locator(".wb-streaming").inner_text()
    finished(page)
    (late,) = answers(page)
    assert late.startswith(early) and len(early) < len(late)
    assert late == "You said: " + " ".join(f"word{i}" for i in range(60))
    note = page.locator(".wb-note").inner_text()
    for part in ("t5gemma-demo-chat", "s to first token", "tokens/s", "tokens in", "seed", "cpu", "float32", "sdpa"):
        assert part in note
    expect(page.locator("#message textarea")).to_have_value("")


def test_stop_keeps_what_was_written(page: Page, site: Site) -> None:
    send(page, " ".join(f"word{i}" for i in range(200)), wait=False)
    expect(page.locator(".wb-streaming")).to_be_visible()
    page.locator("#stop").click()
    finished(page)
    (text,) = answers(page)
    assert "word199" not in text
    assert "stopped" in page.locator(".wb-note").inner_text()
    assert site.engine.status().active == 0


def test_escape_stops(page: Page) -> None:
    send(page, " ".join(f"word{i}" for i in range(200)), wait=False)
    expect(page.locator(".wb-streaming")).to_be_visible()
    page.keyboard.press("Escape")
    finished(page)
    assert "stopped" in page.locator(".wb-note").inner_text()


def test_closing_the_tab_stops_the_computation(page: Page, site: Site) -> None:
    send(page, " ".join(f"word{i}" for i in range(400)), wait=False)
    expect(page.locator(".wb-streaming")).to_be_visible()
    page.close()
    patience = time.monotonic() + 10
    while site.engine.status().active and time.monotonic() < patience:
        time.sleep(0.1)
    assert site.engine.status().active == 0


def test_regenerating_keeps_the_earlier_answer(page: Page) -> None:
    choose_style(page, "Balanced")
    send(page, "one two three four five six seven eight")
    (first,) = answers(page)
    page.get_by_role("button", name="Regenerate").click()
    expect(page.locator(".wb-versions")).to_contain_text("2 of 2")
    finished(page)
    (second,) = answers(page)
    assert second != first
    page.get_by_role("button", name="Earlier version").click()
    expect(page.locator(".wb-versions")).to_contain_text("1 of 2")
    assert answers(page) == [first]
    page.get_by_role("button", name="Later version").click()
    expect(page.locator(".wb-versions")).to_contain_text("2 of 2")
    assert answers(page) == [second]


def test_editing_replaces_what_followed(page: Page) -> None:
    send(page, "first")
    send(page, "second")
    assert messages(page) == ["first", "second"]
    page.locator(".wb-user").first.hover()
    page.locator(".wb-user").first.get_by_role("button", name="Edit").click()
    expect(page.locator("#message textarea")).to_have_value("first")
    send(page, "other")
    assert messages(page) == ["other"]
    assert answers(page) == ["You said: other"]


def test_undo_gives_the_text_back_and_clear_empties(page: Page) -> None:
    send(page, "first")
    send(page, "second")
    page.locator("#undo").click()
    expect(page.locator("#message textarea")).to_have_value("second")
    expect(page.locator(".wb-user")).to_have_count(1)
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.locator("#clear").click()
    expect(page.locator(".wb-user")).to_have_count(1)
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator("#clear").click()
    expect(page.locator(".wb-start")).to_be_visible()


def test_an_example_can_be_clicked(page: Page) -> None:
    page.locator(".wb-example").first.click()
    expect(page.locator(".wb-user .wb-text")).to_have_text("What is the capital of France?")
    finished(page)


def test_what_was_written_never_becomes_markup(page: Page) -> None:
    hostile = '<img src=x onerror="window.hit=1"> <b>bold</b> [link](javascript:alert(1)) `code` $$x$$'
    send(page, hostile)
    assert answers(page) == [f"You said: {hostile}"]
    assert page.locator("#thread :is(img, b, a, code, .katex)").count() == 0
    expect(page.locator("#conversation-list label")).to_have_count(1)
    assert page.locator("#conversation-list img").count() == 0
    assert page.evaluate("window.hit") is None


def test_a_checkpoint_out_of_reach_says_what_to_do(page: Page) -> None:
    page.locator("#checkpoint input").click()
    page.get_by_role("option", name="t5gemma-s-s-ul2-it").click()
    expect(page.locator("#access .wb-access")).to_be_visible()
    page.locator("#checkpoint input").click()
    page.get_by_role("option", name="other-model").click()
    expect(page.locator(".wb-start h2")).to_have_text("other-model")
    send(page, "go on")
    assert "other-model" in page.locator(".wb-note").inner_text()


def test_a_failure_stays_calm_and_keeps_the_text(page: Page) -> None:
    page.locator("#seed input, #seed textarea").first.fill("not a number")
    send(page, "my words", wait=False)
    expect(page.locator("#live .wb-problem")).to_contain_text("seed is 'not a number'")
    expect(page.locator("#message textarea")).to_have_value("my words")
    page.locator("#seed input, #seed textarea").first.fill("7")
    send(page, "my words")
    assert answers(page) == ["You said: my words"]
    expect(page.locator("#live .wb-problem")).to_have_count(0)


def test_what_is_sent_can_be_seen(page: Page) -> None:
    send(page, "hello there")
    page.locator("#sent-fold button.label-wrap").click()
    expect(page.locator(".wb-sent")).to_contain_text("<start_of_turn>user")
    expect(page.locator(".wb-sent")).to_contain_text("hello there")
    page.locator("#message textarea").press_sequentially("how long is this")
    expect(page.locator(".wb-meter")).to_contain_text("of 512 tokens")


def test_export_and_import_bring_a_conversation_back(page: Page, tmp_path: Path) -> None:
    send(page, "keep me")
    with page.expect_download() as download:
        page.locator("#export-json").click()
    file = tmp_path / "conversation.json"
    download.value.save_as(file)
    assert download.value.suggested_filename == "keep-me.json"
    assert json.loads(file.read_text())["conversations"][0]["title"] == "keep me"
    with page.expect_download() as download:
        page.locator("#export-markdown").click()
    assert "> keep me" in Path(download.value.path()).read_text()
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator("#delete").click()
    expect(page.locator(".wb-start")).to_be_visible()
    expect(page.locator("#conversation-list label")).to_have_count(0)
    with page.expect_file_chooser() as chooser:
        page.locator("#import").click()
    chooser.value.set_files(file)
    expect(page.locator(".wb-user .wb-text")).to_have_text("keep me")
    expect(page.locator("#conversation-list label")).to_have_count(1)


def test_leaving_a_conversation_ends_its_answer_and_nothing_else(page: Page, site: Site) -> None:
    for turn in range(3):
        send(page, " ".join(f"word{i}" for i in range(150)), wait=False)
        expect(page.locator(".wb-streaming")).to_be_visible()
        page.locator("#new").click()
        expect(page.locator(".wb-start")).to_be_visible()
        send(page, f"something else {turn}")  # at once: nothing of the answer that was left may stand in its way
        assert messages(page) == [f"something else {turn}"]
        assert site.engine.status().active == 0
    page.locator("#conversation-list label", has_text="word0").first.click()
    expect(page.locator(".wb-user .wb-text").last).to_contain_text("word149")
    page.get_by_role("button", name="Answer", exact=True).click()
    expect(page.locator(".wb-note").last).to_be_visible()


def test_the_oldest_conversations_make_room(page: Page, site: Site) -> None:
    page.evaluate(
        """() => { for (let i = 0; i < 4; i++) localStorage.setItem('t5gemma:conversation:old' + i, JSON.stringify({
            id: 'old' + i, title: 'old ' + i, system: '', checkpoint: '', updated: i + 1,
            messages: [{role: 'user', versions: [{text: 'x'.repeat(1e6)}]}] })) }"""
    )
    send(page, "new")
    expect(page.locator(".wb-notice")).to_contain_text("The oldest conversation was removed")
    expect(page.locator("#conversation-list label")).to_have_count(4)
    assert page.locator("#conversation-list label", has_text="old 0").count() == 0


def test_conversations_are_listed_renamed_and_switched(page: Page) -> None:
    send(page, "about apples")
    page.locator("#new").click()
    expect(page.locator(".wb-start")).to_be_visible()
    send(page, "about pears")
    expect(page.locator("#conversation-list label")).to_have_count(2)
    page.locator("#conversation-list label", has_text="about apples").click()
    expect(page.locator(".wb-user .wb-text")).to_have_text("about apples")
    page.locator("#title input, #title textarea").first.fill("Fruit")
    page.keyboard.press("Enter")
    expect(page.locator("#conversation-list label", has_text="Fruit")).to_have_count(1)


def test_reloading_and_restarting_the_server_keep_the_conversation(page: Page, site: Site) -> None:
    send(page, "remember this")
    page.reload()
    expect(page.locator(".wb-user .wb-text")).to_have_text("remember this")
    site.stop()
    site.start()
    open_page(page, site)
    expect(page.locator(".wb-user .wb-text")).to_have_text("remember this")
    send(page, "and this")
    assert messages(page) == ["remember this", "and this"]
