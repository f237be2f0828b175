"""A step's command, given to the command line, asks for the very order that the family runs."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from t5gemma_app.cli.main import parser
from t5gemma_app.cli.train_flags import plan_from
from t5gemma_app.training.family.places import Places
from t5gemma_app.training.family.plan import family_files, family_steps
from t5gemma_app.training.family.recipe import FULL, QUICK
from t5gemma_app.training.machine import Machine
from tests.training.family.datasets import write_data


@pytest.mark.parametrize("recipe", [FULL, QUICK], ids=["full", "quick"])
def test_every_command_can_be_typed_and_means_the_same_plan(recipe, tmp_path: Path) -> None:
    steps = family_steps(recipe, Places(tmp_path / "data", tmp_path), Machine(shard_bytes=9), "the family")
    plans = {f"t5gemma-demo-{pair}": recipe.denoising for pair in ("s-s", "l-l", "l-s", "s-l")}
    plans |= {f"{name}-chat": recipe.chat for name in plans}
    plans |= {f"gemma2-demo-{member.letter}": member.plan for member in recipe.members}
    plans |= {f"t5gemma-demo-l-l-{head.name}": head.plan for head in (*recipe.heads, *recipe.superglue)}
    checked, words = set(), parser()
    for step in steps:
        if step.command.partition("  #")[0] == "the family":
            continue
        arguments = words.parse_args(shlex.split(step.command.removeprefix("python -m t5gemma_app ")))
        assert arguments.output is not None or arguments.folder is not None
        if step.name in plans:
            usual = {"longest": 256} if arguments.recipe == "pretrain" else {}
            assert plan_from(arguments, **usual) == plans[step.name], step.name
            assert arguments.shard_bytes == 9
            checked.add(step.name)
    assert checked == set(plans)


def test_names_are_unique_and_bases_come_first(tmp_path: Path) -> None:
    steps = family_steps(FULL, Places(tmp_path, tmp_path), Machine(), "the family")
    names = [step.name for step in steps]
    assert len(set(names)) == len(names) == 1 + 2 + 4 + 4 + 4 + 1 + 5 + 28
    for number, step in enumerate(steps):
        assert set(step.begins_with) <= set(names[:number])


def test_all_files_are_asked_for_before_anything_is_done(tmp_path: Path) -> None:
    data = write_data(tmp_path / "data")
    assert all((data / path).is_file() for path in family_files(FULL))
    assert replace(QUICK, rows=None).superglue[0].plan.steps == 2
