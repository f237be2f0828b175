"""The documentation's commands and programs, run where `<!-- run -->` stands above them, and its links and tables."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tools.settings_doc import renewed

ROOT = Path(__file__).resolve().parent.parent
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")))
SHOWN = "http://127.0.0.1:7860/"
"""The page's address in programs that talk to it."""

_BLOCK = re.compile(
    r"<!-- run(: needs (?P<needs>a page))? -->\n```(?P<language>sh|python)\n(?P<text>.*?)```\n",
    re.S,
)
_LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)\)")


@dataclass(frozen=True)
class Block:
    """A piece of a page that readers are told to run."""

    page: Path
    number: int
    language: str
    text: str
    needs: str
    """`a page`, or nothing."""

    def __str__(self) -> str:
        return f"{self.page.name} {self.number}"


def blocks() -> list[Block]:
    return [
        Block(page, number, found["language"], found["text"], found["needs"] or "")
        for page in PAGES
        for number, found in enumerate(_BLOCK.finditer(page.read_text(encoding="utf-8")), start=1)
    ]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Yield variables under which nothing but the embedded checkpoints is there."""
    folder = tmp_path_factory.mktemp("docs")
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith("T5GEMMA_")},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HF_HUB_OFFLINE": "1",
        "T5GEMMA_DATA_DIR": str(folder / "data"),
    }
    yield variables
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def served(environment: dict[str, str]) -> Iterator[str]:
    """Yield the address of a page that is served from a process of its own, as a reader would have it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [sys.executable, "-m", "t5gemma_app", "serve"]
    variables = environment | {"T5GEMMA_PORT": str(port), "T5GEMMA_OPENAI": "1"}
    with subprocess.Popen(words, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        address = f"http://127.0.0.1:{port}/"
        deadline = time.monotonic() + 120
        while not _answers(address):
            assert server.poll() is None and time.monotonic() < deadline, "the page did not start"
            time.sleep(0.2)
        yield address
        server.terminate()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as reply:
            return reply.status == 200
    except OSError:
        return False


@pytest.mark.parametrize("block", blocks(), ids=str)
def test_what_a_page_tells_to_run_runs(
    block: Block, environment: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if block.needs == "a page":
        block = replace(block, text=block.text.replace(SHOWN, request.getfixturevalue("served")))
    (tmp_path / "t5gemma_app").symlink_to(ROOT / "t5gemma_app")
    words = ["sh", "-e", "-c", block.text] if block.language == "sh" else [sys.executable, "-c", block.text]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() or block.language == "python" or "> " in block.text or "init" in block.text


def test_there_is_something_to_run_on_the_pages_that_show_commands() -> None:
    pages = {block.page.name for block in blocks()}
    assert {"README.md", "python.md", "commands.md", "evaluation.md", "api.md"} <= pages


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_table_of_settings_is_the_settings() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page.count("| `T5GEMMA_") > 10
    assert renewed(page) == page, "run `make settings-doc`"


def test_make_targets_that_pages_name_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*##", makefile, re.M))
    for page in PAGES:
        named = set(re.findall(r"(?:`|^)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.M))
        assert named <= targets, page.name
