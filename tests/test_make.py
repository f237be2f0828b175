"""`make run` from a bare folder: installs once, again only when the requirements change, and says what it lacks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a folder with the real Makefile, requirements that are there already, and an app that only speaks."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    (tmp_path / "requirements.txt").write_text("pip>=20\n", encoding="utf-8")
    (tmp_path / "requirements-dev.txt").write_text("-r requirements.txt\n", encoding="utf-8")
    (tmp_path / "app.py").write_text("import sys\nprint(sys.prefix)\n", encoding="utf-8")
    return tmp_path


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "-C", str(folder), "--no-print-directory", *words]
    return subprocess.run(command, capture_output=True, text=True, env=kept, timeout=300)


def test_the_second_run_installs_nothing_and_a_changed_requirement_is_installed(clone: Path) -> None:
    python = f"PYTHON={sys.executable}"
    first = make(clone, "run", python)
    assert first.returncode == 0, first.stderr
    assert "Installing" in first.stdout
    assert first.stdout.strip().endswith(str(clone / ".venv"))

    (clone / "requirements.txt").touch()
    assert make(clone, "run", python).stdout.strip() == str(clone / ".venv")

    (clone / "requirements.txt").write_text("pip>=21\n", encoding="utf-8")
    assert "Installing" in make(clone, "run", python).stdout
    assert "Installing" not in make(clone, "run", python).stdout


def test_an_old_python_is_refused_in_words_and_leaves_nothing_behind(clone: Path) -> None:
    old = clone / "old-python"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    done = make(clone, "run", f"PYTHON={old}")
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stderr
    assert not (clone / ".venv").exists()


def test_a_failed_install_is_tried_again(clone: Path) -> None:
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "python").symlink_to("/nowhere/python")
    done = make(clone, "-n", "run", f"PYTHON={sys.executable}")
    assert "-m venv" in done.stdout
    assert "-r requirements.txt" in done.stdout


def test_help_names_every_command() -> None:
    shown = make(ROOT, "help").stdout
    for target in ("run", "test", "check", "bench", "trials", "demo"):
        assert f"make {target} " in shown


@pytest.mark.parametrize("script", ["tools/find-python", "tools/ensure-chromium", ".ci/run"])
def test_scripts_are_plain_sh_and_may_be_run(script: str) -> None:
    path = ROOT / script
    assert os.access(path, os.X_OK)
    assert path.read_text(encoding="utf-8").startswith("#!/bin/sh\n")
    shell = shutil.which("dash") or "sh"
    assert subprocess.run([shell, "-n", str(path)], capture_output=True).returncode == 0
