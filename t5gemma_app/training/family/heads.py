"""The steps that teach an encoder a task: a head on its last token, or on each word."""

from __future__ import annotations

from t5gemma_app.checkpoints.card import DataUse
from t5gemma_app.training.data.reading import SUPERGLUE, DataOrder, kind_of
from t5gemma_app.training.family.cards import About, rewrite_card
from t5gemma_app.training.family.commands import finetune_command
from t5gemma_app.training.family.places import beginning_name, pair_name, task_name
from t5gemma_app.training.family.reading import LICENCE, read_texts
from t5gemma_app.training.family.recipe import Head
from t5gemma_app.training.family.sources import OFFICIAL, is_official, superglue_uses, uses
from t5gemma_app.training.family.steps import Context, Outcome, Say, Step
from t5gemma_app.training.finetune import FinetuneOrder, finetune

_SHARE = 0.1


def head_step(context: Context, pair: str, head: Head) -> Step:
    """Return the step that teaches a combination's encoder a task."""
    places = context.places
    base = _base(pair, head)
    superglue = head.task.startswith(SUPERGLUE)
    order = FinetuneOrder(
        base=places.folder(base),
        name=base,
        output=places.folder(task_name(pair, head.name)),
        data=DataOrder(
            task=head.task,
            train=() if superglue else (str(places.data / head.train),),
            evaluation=(str(places.data / head.evaluation),) if head.evaluation else (),
            data_dir=places.data / "superglue" if superglue else None,
            share=_SHARE,
            renamed=head.labels,
            limit=head.limit,
        ),
        plan=head.plan,
        machine=context.machine,
        licence=LICENCE,
    )
    command = finetune_command(order, places.data)

    def run(say: Say) -> Outcome:
        outcome = Outcome.of(finetune(order, say))
        about = About(
            kind_of(head.task), command, context.command, _data(context, head), _remarks(context, head, outcome)
        )
        rewrite_card(order.output, about, outcome.scores)
        return outcome

    group = f"SuperGLUE heads, {pair}" if superglue else f"{head.name} head, {pair}"
    return Step(order.output.name, group, command, (base,), run)


def _base(pair: str, head: Head) -> str:
    if head.beginning is not None:
        return beginning_name(pair, head.name)
    return task_name(pair, head.after) if head.after else pair_name(pair)


def _data(context: Context, head: Head) -> tuple[DataUse, ...]:
    data = context.places.data
    before = read_texts(context, "pretraining text")
    if head.task.startswith(SUPERGLUE):
        return (*superglue_uses(data, head.name, ("training", "evaluation")), *before)
    own = uses(data, (head.train,), "training")
    own += uses(data, (head.evaluation,), "evaluation") if head.evaluation else ()
    if head.beginning is not None:
        return (*own, *uses(data, head.beginning.texts, "training", "text that its word pieces were learnt from"))
    for earlier in context.recipe.heads:
        if earlier.name == head.after:
            own += uses(data, (earlier.train,), "training", f"with the labels of {earlier.name}, before this task")
    return (*own, *before)


def _remarks(context: Context, head: Head, outcome: Outcome) -> tuple[str, ...]:
    remarks = [
        f"The weights are those of step {outcome.best_step:,}, the best of all evaluations on the same rows, so the "
        "score is a little too high."
    ]
    if head.beginning is not None:
        remarks.append(
            f"Its encoder began with random weights and {head.beginning.pieces:,} word pieces of its own, and is not "
            "the one that the combination's other heads share."
        )
    if head.task.startswith(SUPERGLUE):
        if not is_official(context.places.data, head.name):
            remarks.append(f"{OFFICIAL[head.name][0]} is a cut split here: this is no official SuperGLUE figure.")
        if head.limit:
            remarks.append(f"Trained on the first {head.limit:,} training rows.")
    elif not head.evaluation:
        remarks.append(f"{_SHARE:.0%} of the training rows were held out by the seed to evaluate on.")
    return tuple(remarks)
