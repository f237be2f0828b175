"""What the package imports is what requirements.txt installs."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Loaded by other libraries, or needed by parts that are described in the requirement's own comment.
NOT_IMPORTED = {"accelerate", "pandas", "evaluate"}
# Kernels, platforms and adapters that are used where somebody installed them.
OPTIONAL = {"flash_attn", "flash_attn_interface", "kernels", "peft", "spaces"}


def imported() -> set[str]:
    names: set[str] = set()
    for path in [*(ROOT / "t5gemma_app").rglob("*.py"), ROOT / "app.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"t5gemma_app"}


def required() -> set[str]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    names = [re.match(r"[A-Za-z0-9_-]+", line) for line in lines if line and not line.startswith("#")]
    return {name[0].lower().replace("-", "_") for name in names if name}


def test_what_is_imported_is_installed() -> None:
    modules = {"yaml": "pyyaml"}
    assert {modules.get(name, name) for name in imported() - OPTIONAL} <= required()


def test_what_is_installed_is_imported_or_excused() -> None:
    modules = {"pyyaml": "yaml"}
    assert {modules.get(name, name) for name in required() - NOT_IMPORTED} <= imported()
