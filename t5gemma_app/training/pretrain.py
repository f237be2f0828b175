"""Pretraining on plain text: an adapted checkpoint, any T5Gemma, or a tiny new one; also a decoder-only Gemma 2."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from t5gemma_app.checkpoints.card import DataUse, read_card
from t5gemma_app.checkpoints.placement import Reason
from t5gemma_app.errors import InputError
from t5gemma_app.training.adapters import add_adapters
from t5gemma_app.training.cards import Facts, data_uses, write_card
from t5gemma_app.training.data.texts import read_documents
from t5gemma_app.training.digests import checkpoint_digest
from t5gemma_app.training.evaluating import Evaluation
from t5gemma_app.training.examples import Kind
from t5gemma_app.training.finetune import UNKNOWN_WORD, Say
from t5gemma_app.training.fresh import Shape, fresh_decoder, fresh_model
from t5gemma_app.training.heads import load_for_training
from t5gemma_app.training.loop import Job, Position, Trainer
from t5gemma_app.training.losses import Teaching
from t5gemma_app.training.machine import Machine, open_processes
from t5gemma_app.training.plan import Plan
from t5gemma_app.training.processes import Processes
from t5gemma_app.training.results import Finished, claim, measure_stored, publish
from t5gemma_app.training.runs import RunFolder
from t5gemma_app.training.saving import save_model
from t5gemma_app.training.scores import Scores
from t5gemma_app.training.sequences import (
    OBJECTIVES,
    Objective,
    Sequences,
    cut_pieces,
    denoising_marks,
    encoder_ids,
    hold_out_pieces,
)
from t5gemma_app.training.tokenizer import train_tokenizer

_TOKENIZER = "tokenizer"


@dataclass(frozen=True, slots=True)
class PretrainOrder:
    """What somebody asks for."""

    output: Path
    texts: tuple[Path, ...]
    plan: Plan
    base: Path | None = None
    """The folder of the checkpoint to begin with; None makes a new one."""
    name: str = "nothing"
    """What the card calls that checkpoint."""
    shape: Shape = Shape()
    """The sizes of a new one."""
    pieces: int = 8000
    """Word pieces of a new one's own tokenizer."""
    tokenizer: Path | None = None
    """A folder whose tokenizer a new one takes instead."""
    objective: Objective = "ul2"
    share: float = 0.02
    """What is held out to evaluate on."""
    teacher: Path | None = None
    """A decoder-only Gemma 2 whose probabilities are learnt instead of the text alone; with PrefixLM."""
    teacher_share: float = 1.0
    machine: Machine = Machine()
    licence: str = "not stated"
    command: str = ""

    @property
    def run_folder(self) -> Path:
        """Where log and state are kept: beside the output."""
        return self.output.with_name(f"{self.output.name}.run")


def pretrain(order: PretrainOrder, say: Say = lambda _: None, stop_after: int | None = None) -> Finished | None:
    """Pretrain, or go on with a killed run; a finished run only says again what it found.

    Args:
        order: What is trained on what.
        say: Receives lines for a person.
        stop_after: A step after which training ends with its state saved; the result is None then.

    Raises:
        InputError: Texts, plan or places are wrong; nothing was written over.
        CheckpointError: The checkpoint can't be trained so.
        TrainingError: The loss became no number; the last saved state is kept.
    """
    plan = _plan(order).checked()
    _refuse_odd(order)
    documents, sources = read_documents(order.texts)
    run = RunFolder(order.run_folder)
    processes, reasons = open_processes(order.machine, run.path, plan)
    claim(run, processes, order.output, _fingerprint(order, plan, [source.revision_or_hash for source in sources]))
    if (done := run.done()) is not None:
        return Finished.from_dict(done)
    beside = _beside(order, run, processes, documents)
    stream, held = _streams(order, plan, beside, documents, say)
    model = _model(order, plan, beside)
    pad = int(model.config.pad_token_id or 0)
    examples = [held.example(-1, number) for number in range(len(held))]
    evaluation = Evaluation(stream.kind, examples, (), None, pad, plan.part_tokens)
    trainer = Trainer(
        Job(model, stream.kind, stream, evaluation, pad, UNKNOWN_WORD, _teaching(order, processes)),
        plan,
        processes,
        replicas=int(reasons[1].choice),
        run=run,
        save_best=lambda: save_model(model, stream.kind, run.best, beside, order.machine.shard_bytes),
        say=say,
        save_seconds=order.machine.save_seconds,
    )
    position = trainer.train(stop_after)
    if position.step < trainer.total and not position.ended:
        return None
    if processes.first:
        save_model(model, stream.kind, run.last, beside, order.machine.shard_bytes)
    data = data_uses("training", sources, len(documents), order.licence)
    return _finish(order, run, processes, position, reasons, evaluation, data)


def _finish(
    order: PretrainOrder,
    run: RunFolder,
    processes: Processes,
    position: Position,
    reasons: tuple[Reason, Reason],
    evaluation: Evaluation,
    data: tuple[DataUse, ...],
) -> Finished:
    """Measure the best weights as they are stored, and put them with their card in the output's place."""
    processes.wait()
    found = measure_stored(run.best, evaluation.kind, (), evaluation, processes, int(reasons[1].choice))
    result = Finished.of(order.output, position, found, reasons)
    if processes.first:
        facts = _facts(order, position, found, str(processes.device), data)
        publish(run, order.output, lambda folder: write_card(folder, facts))
        run.finish(result.to_dict())
    processes.end_tracking()
    processes.wait()
    return result


def _streams(
    order: PretrainOrder, plan: Plan, beside: Path, documents: list[str], say: Say
) -> tuple[Sequences, Sequences]:
    """Return the pieces to train on and those to evaluate on."""
    pieces = cut_pieces(documents, encoder_ids(beside), plan.longest)
    train, judged = hold_out_pieces(len(pieces), order.share, plan.seed)
    marks = denoising_marks(beside) if order.objective == "ul2" else ()
    say(f"{sum(map(len, pieces)):,} tokens in {len(train):,} pieces, {len(judged):,} more to evaluate on")
    stream, held = (
        Sequences([pieces[number] for number in part], order.objective, marks, plan.seed) for part in (train, judged)
    )
    return stream, held


def _plan(order: PretrainOrder) -> Plan:
    """Return the plan, with the warm-up of cross-attention that the checkpoint's card asks for."""
    if order.base is None or order.plan.cross_attention_steps or order.objective == "causal":
        return order.plan
    return replace(order.plan, cross_attention_steps=read_card(order.base).cross_attention_steps)


def _refuse_odd(order: PretrainOrder) -> None:
    if order.objective not in OBJECTIVES:
        raise InputError(f"The objective is {order.objective!r}.", expected=f"It is {', '.join(OBJECTIVES)}.")
    if order.teacher is not None and order.objective != "prefixlm":
        raise InputError(
            "A teacher is given, and the objective is not PrefixLM.",
            expected="A decoder-only teacher can say what follows a prefix; it can't say what was taken out.",
        )
    if not order.texts:
        raise InputError("No text is named.", remedy="Pass --text FILE.")
    if order.base is None:
        order.shape.checked()


def _beside(order: PretrainOrder, run: RunFolder, processes: Processes, documents: list[str]) -> Path:
    """Return the folder with the tokenizer: the checkpoint's, the one named, or a new one's own, learnt now."""
    if order.base is not None or order.tokenizer is not None:
        folder = order.base or order.tokenizer
        assert folder is not None
        if not (folder / "tokenizer.json").is_file():
            raise InputError(f"{folder} has no tokenizer.json.", expected="A folder with a tokenizer.")
        return folder
    folder = run.path / _TOKENIZER
    if processes.first and not (folder / "tokenizer.json").is_file():
        train_tokenizer(documents, order.pieces).save_pretrained(folder)
    processes.wait()
    return folder


def _model(order: PretrainOrder, plan: Plan, beside: Path) -> Any:
    kind: Kind = "causal" if order.objective == "causal" else "text"
    if order.base is not None:
        model = load_for_training(order.base, kind, (), plan.dropout, plan.seed)
        if plan.lora_rank:
            add_adapters(model, plan)
        return model
    vocabulary = len(AutoTokenizer.from_pretrained(beside, local_files_only=True))
    if kind == "causal":
        return fresh_decoder(order.shape, vocabulary, plan.seed)
    return fresh_model(order.shape, vocabulary, plan.seed, dropout=plan.dropout)


def _teaching(order: PretrainOrder, processes: Processes) -> Teaching | None:
    if order.teacher is None:
        return None
    teacher = load_for_training(order.teacher, "causal", (), 0.0, 0).eval().requires_grad_(False).to(processes.device)
    return Teaching(teacher, order.teacher_share)


def _facts(order: PretrainOrder, position: Position, found: Scores, device: str, data: tuple[DataUse, ...]) -> Facts:
    return Facts(
        name=order.output.name,
        task=f"pretraining ({order.objective})",
        kind="causal" if order.objective == "causal" else "text",
        base=order.name,
        base_licence=read_card(order.base).licence if order.base else None,
        command=order.command,
        seed=order.plan.seed,
        steps=position.step,
        seconds=position.seconds,
        device=device,
        data=data,
        scores=found.scores,
        stage="pretrained",
        objective=order.objective if order.objective != "causal" else None,
        remarks=(f"{order.share:.0%} of the text was held out by the seed to evaluate on.",),
    )


def _fingerprint(order: PretrainOrder, plan: Plan, digests: list[str]) -> dict[str, Any]:
    """Return what must stay the same for a saved state to be of use."""
    return {
        "recipe": "pretrain",
        "base": checkpoint_digest(order.base) if order.base else asdict(order.shape) | {"pieces": order.pieces},
        "teacher": checkpoint_digest(order.teacher) if order.teacher else None,
        "teacher share": order.teacher_share,
        "objective": order.objective,
        "files": digests,
        "share": order.share,
        **{f"plan {name}": value for name, value in plan.to_dict().items()},
    }
