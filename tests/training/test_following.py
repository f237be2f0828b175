"""A run's log is read on from where the last look ended, whatever a killed or resumed run does to it."""

from __future__ import annotations

from pathlib import Path

from t5gemma_app.training.following import MOST_POINTS, RunLog, TrainProgress, outcome_of
from t5gemma_app.training.runs import LOG, RunFolder


def step(run: RunFolder, number: int, loss: float = 1.0) -> None:
    run.log("step", step=number, loss=loss, rate=1.0, norm=1.0, tokens=9, seconds=0.5)


def begun(folder: Path, total: int = 100) -> tuple[RunFolder, RunLog]:
    run = RunFolder(folder)
    run.claim({"recipe": "finetune"})
    run.log("begin", step=0, total=total)
    return run, RunLog(folder / LOG)


def test_every_look_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    assert RunLog(tmp_path / "none").look() == TrainProgress()
    run, log = begun(tmp_path)
    step(run, 1, 2.0)
    first = log.look()
    assert (first.step, first.total, first.share, first.seconds_left) == (1, 100, 0.01, 49.5)
    step(run, 2, 1.0)
    run.log("evaluation", step=2, scores={"loss": 1.5, "accuracy": 0.75, "macro F1": 0.5}, best=True)
    with (tmp_path / LOG).open("a") as file:
        file.write('{"event": "step", "step": 3, "lo')  # still being written
    second = log.look()
    assert second.losses == ((1.0, 2.0), (2.0, 1.0)) and second.metric == "accuracy" and second.best_step == 2
    assert [(one.step, one.loss, one.metric) for one in second.judged] == [(2, 1.5, 0.75)]
    with (tmp_path / LOG).open("a") as file:
        file.write('ss": null, "seconds": 0.5}\n')
    third = log.look()
    assert third.step == 3 and third.losses == second.losses  # no number is no point


def test_a_run_that_goes_on_takes_back_what_it_does_again(tmp_path: Path) -> None:
    run, log = begun(tmp_path)
    for number in range(1, 9):
        step(run, number)
    assert log.look().step == 8
    run.rewind(5)
    assert log.look().step == 5 and len(log.look().losses) == 5 and log.look().total == 100
    step(run, 6)
    assert log.look().step == 6


def test_a_long_curve_keeps_its_ends_and_its_mean_in_few_points(tmp_path: Path) -> None:
    _, log = begun(tmp_path, total=3 * MOST_POINTS)
    lines = "".join(
        f'{{"event": "step", "step": {n}, "loss": {n}, "seconds": 0.1}}\n' for n in range(1, 3 * MOST_POINTS + 1)
    )
    with (tmp_path / LOG).open("a") as file:
        file.write(lines)
    losses = log.look().losses
    assert len(losses) <= MOST_POINTS and losses[0][0] < 5 and losses[-1][0] > 3 * MOST_POINTS - 5
    assert all(abs(x - y) < 1e-9 for x, y in losses) and list(losses) == sorted(losses)


def test_what_a_finished_run_found() -> None:
    score = {"name": "accuracy", "value": 0.5, "n": 4, "low": 0.1, "high": 0.9, "baseline": None}
    found = outcome_of({"output": "x", "steps": 9, "best_step": 6, "seconds": 1.5, "scores": [score], "reasons": []})
    assert found is not None and found.best_step == 6 and found.scores[0].low == 0.1
    assert outcome_of(None) is None
