"""Long files that are killed with -9 at random moments come out whole; the bench measures what this proves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("task", ["classify", "tag"])
def test_a_hundred_thousand_rows_survive_kills(task: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.files", "--task", task, "--kills", "6"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "every row is there once, in order" in done.stdout
