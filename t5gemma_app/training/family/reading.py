"""The steps that read texts: two decoder-only models, their combinations, and what those learn by UL2."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from t5gemma_app.checkpoints.card import DataUse
from t5gemma_app.training.adapting.adapt import AdaptOrder, adapt
from t5gemma_app.training.family.cards import About, rewrite_card
from t5gemma_app.training.family.commands import adapt_command, pretrain_command
from t5gemma_app.training.family.corpus import FOLDER, write_passages
from t5gemma_app.training.family.places import adapted_name, beginning_name, member_name, pair_name
from t5gemma_app.training.family.recipe import PASSAGES, TEXTS, Beginning
from t5gemma_app.training.family.sources import superglue_uses, uses
from t5gemma_app.training.family.steps import Context, Outcome, Say, Step
from t5gemma_app.training.pretrain import PretrainOrder, pretrain

LICENCE = "several; each file's own is named in the family's cards"


def corpus_step(context: Context) -> Step:
    """Return the step that takes passages out of SuperGLUE's training rows."""

    def run(_: Say) -> Outcome:
        write_passages(context.places.data, PASSAGES, context.places.folder(FOLDER))
        return Outcome()

    return Step(FOLDER, "texts", context.command, (), run)


def member_step(context: Context, number: int) -> Step:
    """Return the step that trains a decoder-only model from nothing; all take the first one's tokenizer."""
    recipe, places = context.recipe, context.places
    member, first = recipe.members[number], recipe.members[0]
    order = PretrainOrder(
        output=places.folder(member_name(member.letter)),
        texts=_texts(context),
        plan=member.plan,
        shape=member.shape,
        pieces=recipe.pieces,
        tokenizer=places.folder(member_name(first.letter)) if number else None,
        objective="causal",
        share=recipe.share,
        machine=context.machine,
        licence=LICENCE,
    )
    begins_with = (member_name(first.letter),) if number else ()
    return _reading(context, order, f"pretraining, {member.letter}", begins_with)


def adapt_step(context: Context, pair: str) -> Step:
    """Return the step that makes a combination of two decoder-only models."""
    places = context.places
    encoder, decoder = (member_name(letter) for letter in pair.split("-"))
    order = AdaptOrder(
        encoder=places.folder(encoder),
        decoder=places.folder(decoder),
        output=places.folder(adapted_name(pair)),
        warm_up_steps=context.recipe.warm_up_steps,
        seed=context.recipe.seed,
        shard_bytes=context.machine.shard_bytes,
    )

    def run(_: Say) -> Outcome:
        # A call that was killed after the folder was written left it whole, and it would be written again bit for bit.
        if not order.output.exists():
            adapt(order)
        return Outcome()

    command = adapt_command(order, places.data)
    return Step(order.output.name, "adaptation", command, tuple(dict.fromkeys((encoder, decoder))), run)


def denoise_step(context: Context, pair: str) -> Step:
    """Return the step that trains a combination with UL2, a new cross-attention alone at first."""
    base = adapted_name(pair)
    order = PretrainOrder(
        output=context.places.folder(pair_name(pair)),
        texts=_texts(context),
        plan=context.recipe.denoising,
        base=context.places.folder(base),
        name=base,
        objective="ul2",
        share=context.recipe.share,
        machine=context.machine,
        licence=LICENCE,
    )
    return _reading(context, order, f"UL2, {pair}", (base,))


def begin_step(context: Context, pair: str, task: str, rows: str, beginning: Beginning) -> Step:
    """Return the step that makes a new encoder for a task, with a tokenizer that has read the task's training rows."""
    places = context.places
    encoder = next(member for member in context.recipe.members if member.letter == pair.split("-")[0])
    files = (*beginning.texts, rows)
    order = PretrainOrder(
        output=places.folder(beginning_name(pair, task)),
        texts=tuple(places.data / path for path in files),
        plan=beginning.plan,
        shape=replace(encoder.shape, decoder_layers=1),
        pieces=beginning.pieces,
        share=context.recipe.share,
        machine=context.machine,
        licence=LICENCE,
    )
    return _reading(context, order, f"{task} head, {pair}", (), files)


def read_texts(context: Context, purpose: str = "") -> tuple[DataUse, ...]:
    """Return what a card says of the texts that every member reads first."""
    data = context.places.data
    passages = [use for task in PASSAGES for use in superglue_uses(data, task, ("training",), purpose or "texts alone")]
    return (*uses(data, TEXTS, "training", purpose), *passages)


def _reading(
    context: Context,
    order: PretrainOrder,
    group: str,
    begins_with: tuple[str, ...],
    files: tuple[str, ...] = (),
) -> Step:
    """Return a step of the pipeline's pretraining; `files` are what it reads where it is not what members read."""
    command = pretrain_command(order, context.places.data)

    def run(say: Say) -> Outcome:
        outcome = Outcome.of(pretrain(order, say))
        remark = f"{order.share:.0%} of the text was held out by the seed to evaluate on."
        kind = "causal" if order.objective == "causal" else "text"
        data = uses(context.places.data, files, "training") if files else read_texts(context)
        about = About(kind, command, context.command, data, (remark,))
        rewrite_card(order.output, about, outcome.scores)
        return outcome

    return Step(order.output.name, group, command, begins_with, run)


def _texts(context: Context) -> tuple[Path, ...]:
    passages = (context.places.folder(FOLDER) / f"{task}.jsonl" for task in PASSAGES)
    return (*(context.places.data / path for path in TEXTS), *passages)
