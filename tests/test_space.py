from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from t5gemma_app.checkpoints.catalogue import google_checkpoints
from tools.space_readme import ROOT, body_of, front_matter, renewed

SPACE = (ROOT / "Space.yaml").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
SETTINGS = yaml.safe_load(SPACE)
COLOURS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
LARGEST = 10_000_000
"""A Space refuses plain files above this many bytes."""


def requirement(name: str) -> Requirement:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line.split("#")[0].strip()) for line in lines if line.startswith(name)]
    assert len(found) == 1
    return found[0]


def test_readme_says_what_space_yaml_says() -> None:
    assert yaml.safe_load(README.split("---\n")[1]) == SETTINGS
    assert renewed(README, SPACE) == README, "run `make space-readme`"


def test_renewing_keeps_the_body_and_replaces_what_stood_above_it() -> None:
    assert renewed("# Title\n\n---\n\nText\n", SPACE) == front_matter(SPACE) + "# Title\n\n---\n\nText\n"
    changed = renewed(README, SPACE.replace("T5Gemma Workbench", "Another name"))
    assert yaml.safe_load(changed.split("---\n")[1])["title"] == "Another name"
    assert body_of(changed) == body_of(README)


def test_the_settings_are_ones_that_spaces_read() -> None:
    assert {SETTINGS["colorFrom"], SETTINGS["colorTo"]} <= set(COLOURS)
    assert SETTINGS["sdk"] == "gradio"
    assert (ROOT / SETTINGS["app_file"]).is_file()
    assert len(SETTINGS["short_description"]) <= 60
    assert SETTINGS["python_version"] in ("3.11", "3.12")
    known = {checkpoint.location for checkpoint in google_checkpoints()}
    assert set(SETTINGS["models"]) <= known


def test_the_spaces_gradio_and_zerogpus_torch_are_within_the_requirements() -> None:
    assert SETTINGS["sdk_version"] in requirement("gradio").specifier
    for release in ("2.8.0", "2.9.1", "2.10.0", "2.11.0"):
        assert release in requirement("torch").specifier


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_a_range_with_both_ends_and_its_reason(name: str) -> None:
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith(("#", "-r")):
            continue
        operators = {part.operator for part in SpecifierSet(str(Requirement(line.split("#")[0].strip()).specifier))}
        assert operators == {">=", "<"}, line
        if name == "requirements.txt":
            assert line.partition("#")[2].strip(), line


def test_no_file_is_larger_than_a_space_takes() -> None:
    folders = [ROOT / "t5gemma_app", ROOT / "docs", ROOT / "eval_suites"]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert Path(ROOT / "t5gemma_app" / "errors.py") in files
    assert [path.name for path in files if path.stat().st_size > LARGEST] == []
