"""The rules of the layout, read from the source: who may import whom, and how long things may get."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = "t5gemma_app"
ROOT = Path(__file__).resolve().parent.parent
FILES = tuple(sorted((ROOT / PACKAGE).rglob("*.py")))

LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "settings", "logs"),
    ("checkpoints", "benchmarks"),
    ("engine",),
    ("tasks",),
    ("evaluation", "training"),
    ("services",),
    ("ui", "cli", "pipelines"),
)
"""Lowest first; a part imports from lower layers and from itself, siblings are strangers."""

TOP = ("__main__", "app")
"""Entry points, above every layer."""

BRIDGES = (("t5gemma_app/cli/serve.py", "t5gemma_app.ui.app"),)
"""Imports between siblings, each by name: the command that opens the page in the browser."""

GROUND = LAYERS[0]
"""The first layer's files are no parts with insides of their own: they may know each other where it makes no circle."""

ENGINE_FACE = f"{PACKAGE}.engine.types"
SEES_THE_ENGINE = ("engine", "services", "training")
"""Parts that put the engine together or train with it; all others know its face alone."""

COMPOSERS = ("pipelines",)
"""Files of any part that, like services, put things together; they may see the engine."""

HEAVY = {"torch": ("engine", "training"), "transformers": ("engine", "training"), "gradio": ("ui",)}
"""Libraries and the parts that may import them."""

LONGEST_FILE, LONGEST_FUNCTION = 400, 80

DATA_FOLDERS = ("training/demo/facts",)
"""Folders of literals, where length is content."""


@dataclass(frozen=True, slots=True)
class Import:
    """One import of a file, wherever in it."""

    file: str
    line: int
    part: str
    """The part of the package the file belongs to."""
    name: str
    """The module that is imported, dotted; `from a import b` counts as `a.b` too."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.name}"


def part_of(dotted: str) -> str:
    """Return the part a module of the package belongs to."""
    return dotted.removeprefix(f"{PACKAGE}.").split(".")[0]


def dotted_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(source: str, module: str, file: str) -> Iterator[Import]:
    """Yield every import in a source, those inside functions and under TYPE_CHECKING included."""
    package = module.rsplit(".", 1)[0]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(file, node.lineno, part_of(module), alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.rsplit(".", node.level - 1)[0] if node.level > 1 else package
                base = f"{above}.{base}".rstrip(".")
            for alias in node.names:
                yield Import(file, node.lineno, part_of(module), f"{base}.{alias.name}")
        elif isinstance(node, ast.Call) and _imports_by_name(node):
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield Import(file, node.lineno, part_of(module), name.value)


def _imports_by_name(node: ast.Call) -> bool:
    called = node.func
    name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
    return name in ("import_module", "__import__") and bool(node.args)


def every_import() -> tuple[Import, ...]:
    found: list[Import] = []
    for path in FILES:
        source = path.read_text(encoding="utf-8")
        found += imports_of(source, dotted_name(path), path.relative_to(ROOT).as_posix())
    return tuple(found)


IMPORTS = every_import()


def layer_of(part: str) -> int | None:
    if part in TOP:
        return len(LAYERS)
    return next((number for number, parts in enumerate(LAYERS) if part in parts), None)


def wrong_direction(found: Import) -> bool:
    """Whether an import inside the package goes up, sideways or nowhere."""
    if not found.name.startswith(f"{PACKAGE}."):
        return False
    target = part_of(found.name)
    if target == found.part or (target in GROUND and found.part in GROUND):
        return False
    if any(found.file == file and found.name.startswith(module) for file, module in BRIDGES):
        return False
    here, there = layer_of(found.part), layer_of(target)
    return here is None or there is None or there >= here


def behind_the_engines_face(found: Import) -> bool:
    """Whether a part that should know the engine's face alone reaches behind it."""
    if not found.name.startswith(f"{PACKAGE}.engine"):
        return False
    composes = found.part in SEES_THE_ENGINE or Path(found.file).stem in COMPOSERS
    return not composes and not found.name.startswith(ENGINE_FACE)


def heavy_elsewhere(found: Import) -> bool:
    """Whether a library is imported outside the parts that may."""
    library = found.name.split(".")[0]
    return library in HEAVY and found.part not in HEAVY[library]


def words(found: list[Import]) -> str:
    return "\n".join(str(one) for one in found)


def test_imports_point_down() -> None:
    found = [one for one in IMPORTS if wrong_direction(one)]
    assert not found, words(found)


def test_everything_outside_sees_the_engine_through_its_face() -> None:
    found = [one for one in IMPORTS if behind_the_engines_face(one)]
    assert not found, words(found)


def test_heavy_libraries_stay_in_their_parts() -> None:
    found = [one for one in IMPORTS if heavy_elsewhere(one)]
    assert not found, words(found)


def test_datasets_is_imported_in_one_file_of_benchmarks() -> None:
    files = {one.file for one in IMPORTS if one.name.split(".")[0] == "datasets"}
    assert len(files) <= 1, files
    assert all(file.startswith(f"{PACKAGE}/benchmarks/") for file in files)


def test_the_database_is_imported_in_one_file_of_evaluation() -> None:
    files = {one.file for one in IMPORTS if one.name.split(".")[0] == "sqlite3"}
    assert len(files) <= 1, files
    assert all(file.startswith(f"{PACKAGE}/evaluation/") for file in files)


ENVIRONMENT = ("environ", "environb", "getenv", "putenv")


def reads_environment(source: str) -> bool:
    """Whether a source touches the process's environment variables."""
    nodes = tuple(ast.walk(ast.parse(source)))
    used = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            used |= {alias.name for alias in node.names}
    return not used.isdisjoint(ENVIRONMENT)


def test_the_environment_is_read_in_one_file() -> None:
    files = [
        p.relative_to(ROOT / PACKAGE).as_posix() for p in FILES if reads_environment(p.read_text(encoding="utf-8"))
    ]
    assert files == ["settings.py"]


def test_packages_are_empty_and_nothing_is_imported_by_star() -> None:
    full = [path for path in FILES if path.name == "__init__.py" and path.read_text(encoding="utf-8").strip()]
    assert not full
    stars = [one for one in IMPORTS if one.name.endswith(".*")]
    assert not stars, words(stars)


def _is_data(path: Path) -> bool:
    return path.relative_to(ROOT / PACKAGE).as_posix().startswith(DATA_FOLDERS)


def test_files_and_functions_stay_short() -> None:
    long: list[str] = []
    for path in FILES:
        if _is_data(path):
            continue
        source = path.read_text(encoding="utf-8")
        name = path.relative_to(ROOT).as_posix()
        if (lines := source.count("\n")) > LONGEST_FILE:
            long.append(f"{name} has {lines} lines")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    long.append(f"{name}:{node.lineno} {node.name} has {lines} lines")
    assert not long, "\n".join(long)


def test_data_folders_hold_data() -> None:
    """A folder that is excused from the limits of length must not hide logic."""
    for path in FILES:
        if _is_data(path) and path.read_text(encoding="utf-8").count("\n") > LONGEST_FILE:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            assert not any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.walk(tree)), path


LIGHT = tuple(
    dotted_name(path)
    for path in FILES
    if path.name not in ("__init__.py", "__main__.py")
    and (
        dotted_name(path) == ENGINE_FACE
        or part_of(dotted_name(path)) in (*GROUND, "checkpoints", "benchmarks", "tasks", "evaluation")
    )
    and path.stem not in COMPOSERS
)
"""Modules that must be there in milliseconds."""

_PROBE = """
import importlib, json, sys
heavy = ("torch", "transformers", "gradio", "datasets", "huggingface_hub")
found = {}
for name in sys.argv[1:]:
    for loaded in [m for m in sys.modules if m.startswith("t5gemma_app")]:
        del sys.modules[loaded]
    importlib.import_module(name)
    found[name] = [library for library in heavy if library in sys.modules]
print(json.dumps({name: libraries for name, libraries in found.items() if libraries}))
"""


def test_light_parts_leave_torch_and_gradio_alone() -> None:
    """One fresh interpreter imports them one by one; the first that pulls a heavy library in is named."""
    done = subprocess.run([sys.executable, "-c", _PROBE, *LIGHT], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "{}"


def test_the_light_list_is_not_empty_by_accident() -> None:
    assert {"t5gemma_app.errors", "t5gemma_app.checkpoints.catalogue", ENGINE_FACE} <= set(LIGHT)


@pytest.mark.parametrize(
    ("module", "source", "rule"),
    [
        ("t5gemma_app.checkpoints.x", "def f():\n    from t5gemma_app.tasks.chat import Chat", wrong_direction),
        ("t5gemma_app.checkpoints.x", "import t5gemma_app.benchmarks.rows", wrong_direction),
        ("t5gemma_app.tasks.x", "from ..ui import app", wrong_direction),
        ("t5gemma_app.evaluation.x", "from t5gemma_app import training", wrong_direction),
        ("t5gemma_app.errors", "from t5gemma_app.checkpoints import records", wrong_direction),
        ("t5gemma_app.tasks.x", "from t5gemma_app.nowhere import thing", wrong_direction),
        ("t5gemma_app.tasks.x", "from t5gemma_app.engine import generate", behind_the_engines_face),
        ("t5gemma_app.ui.x", "from t5gemma_app.engine.pool import Pool", behind_the_engines_face),
        ("t5gemma_app.tasks.x", "def f():\n    import torch.nn as nn", heavy_elsewhere),
        ("t5gemma_app.services", "import importlib\nimportlib.import_module('gradio')", heavy_elsewhere),
    ],
)
def test_the_rules_catch_what_they_are_for(module: str, source: str, rule: object) -> None:
    file = module.replace(".", "/") + ".py"
    assert any(rule(one) for one in imports_of(source, module, file))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("t5gemma_app.tasks.x", "from t5gemma_app.engine.types import Engine"),
        ("t5gemma_app.ui.x", "from t5gemma_app.services import Services\nimport gradio as gr"),
        ("t5gemma_app.training.x", "import torch\nfrom t5gemma_app.engine import attention"),
        ("t5gemma_app.tasks.pipelines", "from t5gemma_app.engine.local import LocalEngine"),
        ("t5gemma_app.settings", "from t5gemma_app.errors import SettingsError"),
        ("t5gemma_app.__main__", "from t5gemma_app.cli.main import main"),
    ],
)
def test_the_rules_let_pass_what_is_right(module: str, source: str) -> None:
    file = module.replace(".", "/") + ".py"
    for one in imports_of(source, module, file):
        assert not (wrong_direction(one) or behind_the_engines_face(one) or heavy_elsewhere(one))


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ("import os\nos.environ['A']", True),
        ("from os import getenv", True),
        ("import os as o\no.getenv('A')", True),
        ("import os\nos.path.join('a', 'b')", False),
    ],
)
def test_reading_the_environment_is_recognised(source: str, reads: bool) -> None:
    assert reads_environment(source) == reads
