"""Fine-tuning from order to checkpoint: data, model, training, the best weights measured as stored, and their card."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from t5gemma_app.benchmarks.catalogue import benchmark_named
from t5gemma_app.checkpoints.card import DataUse, read_card
from t5gemma_app.checkpoints.folder import read_config
from t5gemma_app.checkpoints.placement import Reason
from t5gemma_app.engine.encode import TextEncoder
from t5gemma_app.training.adapters import add_adapters
from t5gemma_app.training.cards import Facts, data_uses, write_card
from t5gemma_app.training.data.reading import SUPERGLUE, DataOrder, kind_of
from t5gemma_app.training.digests import checkpoint_digest
from t5gemma_app.training.evaluating import Evaluation
from t5gemma_app.training.examples import Rows
from t5gemma_app.training.heads import load_for_training
from t5gemma_app.training.loop import Job, Position, Stopped, Trainer
from t5gemma_app.training.machine import Machine, open_processes
from t5gemma_app.training.plan import Plan
from t5gemma_app.training.prepared import Prepared, prepare
from t5gemma_app.training.processes import Processes
from t5gemma_app.training.results import Finished, claim, measure_stored, publish
from t5gemma_app.training.runs import RunFolder
from t5gemma_app.training.saving import save_model
from t5gemma_app.training.scores import Scores

UNKNOWN_WORD = 3
"""Gemma's id of the unknown word."""
UNSTATED = "not stated"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class FinetuneOrder:
    """What somebody asks for."""

    base: Path
    """The folder of the checkpoint to begin with."""
    name: str
    """What the card calls that checkpoint."""
    output: Path
    data: DataOrder
    plan: Plan
    machine: Machine = Machine()
    licence: str = UNSTATED
    """Licence of the rows."""
    command: str = ""

    @property
    def run_folder(self) -> Path:
        """Where log and state are kept: beside the output."""
        return self.output.with_name(f"{self.output.name}.run")


def finetune(
    order: FinetuneOrder,
    say: Say = lambda _: None,
    stop_after: int | None = None,
    stopped: Stopped = lambda: False,
) -> Finished | None:
    """Fine-tune a checkpoint, or go on with a killed run; a finished run only says again what it found.

    Args:
        order: What is trained on what.
        say: Receives lines for a person.
        stop_after: A step after which training ends with its state saved; the result is None then.
        stopped: Asked before every step; True ends it in the same way.

    Raises:
        InputError: Data, plan or places are wrong; nothing was written over.
        CheckpointError: The checkpoint can't be trained so.
        TrainingError: The loss became no number; the last saved state is kept.
    """
    plan = order.plan.checked()
    kind = kind_of(order.data.task)
    prepared = prepare(order.data, TextEncoder.from_folder(order.base), _longest(order), plan.seed)
    run = RunFolder(order.run_folder)
    processes, reasons = open_processes(order.machine, run.path, plan)
    claim(run, processes, order.output, _fingerprint(order, prepared))
    if (done := run.done()) is not None:
        return Finished.from_dict(done)
    tell_data(prepared, say)
    model = load_for_training(order.base, kind, prepared.labels, plan.dropout, plan.seed)
    if plan.lora_rank:
        add_adapters(model, plan)
    evaluation = evaluation_of(prepared, model, plan)
    trainer = Trainer(
        Job(model, kind, Rows(prepared.train.examples), evaluation, _pad(model), UNKNOWN_WORD),
        plan,
        processes,
        replicas=int(reasons[1].choice),
        run=run,
        save_best=lambda: save_model(model, kind, run.best, order.base, order.machine.shard_bytes),
        say=say,
        save_seconds=order.machine.save_seconds,
        stopped=stopped,
    )
    position = trainer.train(stop_after)
    if position.step < trainer.total and not position.ended:
        return None
    if processes.first:
        save_model(model, kind, run.last, order.base, order.machine.shard_bytes)
    return _finish(order, prepared, run, processes, position, reasons, evaluation)


def tell_data(prepared: Prepared, say: Say) -> None:
    """Say what the data are like."""
    for report, encoded in zip(prepared.reports, (prepared.train, prepared.evaluation), strict=True):
        words = f"{report.part}: {len(encoded.examples):,} rows, {report.repeated:,} repeated"
        if encoded.cut:
            words += f", {encoded.cut:,} cut because they are too long"
        if encoded.left_out:
            words += f", {encoded.left_out:,} left out because they are too long"
        say(words + (", held out of the training files" if report.held_out else ""))
    if prepared.labels:
        counts = prepared.reports[0].labels
        shown = [f"{label} {counts.get(label, 0):,}" for label in prepared.labels[:12]]
        say(f"{len(prepared.labels)} labels: {', '.join(shown)}{' …' if len(prepared.labels) > 12 else ''}")


def evaluation_of(prepared: Prepared, model: Any, plan: Plan) -> Evaluation:
    """Return the evaluation that a task's rows make."""
    return Evaluation(
        prepared.kind,
        prepared.evaluation.examples,
        prepared.labels,
        prepared.commonest,
        _pad(model),
        plan.part_tokens,
    )


def _finish(
    order: FinetuneOrder,
    prepared: Prepared,
    run: RunFolder,
    processes: Processes,
    position: Position,
    reasons: tuple[Reason, Reason],
    evaluation: Evaluation,
) -> Finished:
    processes.wait()
    found = measure_stored(run.best, prepared.kind, prepared.labels, evaluation, processes, int(reasons[1].choice))
    result = Finished.of(order.output, position, found, reasons)
    if processes.first:
        facts = _facts(order, prepared, position, found, str(processes.device))
        publish(run, order.output, lambda folder: write_card(folder, facts))
        run.finish(result.to_dict())
    processes.end_tracking()
    processes.wait()
    return result


def _facts(order: FinetuneOrder, prepared: Prepared, position: Position, found: Scores, device: str) -> Facts:
    data: tuple[DataUse, ...] = ()
    for report in prepared.reports:
        data += data_uses(report.part, report.sources, report.rows, _licence(order))
    remarks = [f"The weights are those of step {position.best_step:,}, the best of all evaluations on the same rows."]
    if prepared.reports[1].held_out:
        remarks.append(f"{order.data.share:.0%} of the training rows were held out by the seed to evaluate on.")
    if prepared.reports[1].repeated:
        remarks.append(f"{prepared.reports[1].repeated:,} evaluation rows also stand in the training data.")
    return Facts(
        name=order.output.name,
        task=order.data.task,
        kind=prepared.kind,
        base=order.name,
        base_licence=read_card(order.base).licence,
        command=order.command,
        seed=order.plan.seed,
        steps=position.step,
        seconds=position.seconds,
        device=device if device == "cpu" else torch.cuda.get_device_name() if "cuda" in device else device,
        data=data,
        scores=found.scores,
        stage="instruction-tuned" if order.data.task == "chat" else None,
        remarks=tuple(remarks),
        longest=_longest(order),
    )


def _longest(order: FinetuneOrder) -> int:
    """Return how many tokens of an input are read."""
    return min(order.plan.longest, read_config(order.base).encoder.positions)


def _licence(order: FinetuneOrder) -> str:
    """Return the licence of the rows: as named, else what is known of a SuperGLUE task."""
    if order.licence == UNSTATED and order.data.task.startswith(SUPERGLUE):
        return benchmark_named(order.data.task.removeprefix(SUPERGLUE)).licence
    return order.licence


def _fingerprint(order: FinetuneOrder, prepared: Prepared) -> dict[str, Any]:
    """Return what must stay the same for a saved state to be of use."""
    data = asdict(order.data)
    for name in ("train", "evaluation", "data_dir"):
        data.pop(name)
    digests = [source.revision_or_hash for report in prepared.reports for source in report.sources]
    return {
        "recipe": "finetune",
        "base": checkpoint_digest(order.base),
        "data": json.dumps(data, sort_keys=True),
        "files": digests,
        "labels": list(prepared.labels),
        **{f"plan {name}": value for name, value in order.plan.to_dict().items()},
    }


def _pad(model: Any) -> int:
    return int(model.config.pad_token_id or 0)
