"""The steps of a family in their order: what is worth most comes first."""

from __future__ import annotations

from t5gemma_app.training.family.chatting import chat_step, conversation_step
from t5gemma_app.training.family.heads import head_step
from t5gemma_app.training.family.places import Places
from t5gemma_app.training.family.reading import adapt_step, begin_step, corpus_step, denoise_step, member_step
from t5gemma_app.training.family.recipe import PASSAGES, TEXTS, Head, Recipe
from t5gemma_app.training.family.sources import OFFICIAL, QUESTIONS
from t5gemma_app.training.family.steps import Context, Step
from t5gemma_app.training.machine import Machine


def family_files(recipe: Recipe) -> tuple[str, ...]:
    """Return every file of the data folder that a recipe reads, each once."""
    heads = [file for head in recipe.heads for file in (head.train, head.evaluation) if file]
    heads += [file for head in recipe.heads if head.beginning for file in head.beginning.texts]
    tasks = dict.fromkeys((*PASSAGES, *(head.name for head in recipe.superglue)))
    superglue = [f"superglue/{OFFICIAL[task][0]}/{name}.jsonl" for task in tasks for name in ("train", "val")]
    return tuple(dict.fromkeys((*TEXTS, *heads, QUESTIONS, *superglue)))


def family_steps(recipe: Recipe, places: Places, machine: Machine, command: str) -> tuple[Step, ...]:
    """Return all steps."""
    context = Context(recipe, places, machine, command)
    return (
        corpus_step(context),
        *(member_step(context, number) for number in range(len(recipe.members))),
        *(adapt_step(context, pair) for pair in recipe.pairs),
        *(denoise_step(context, pair) for pair in recipe.pairs),
        conversation_step(context),
        *(chat_step(context, pair) for pair in recipe.pairs),
        *(step for pair in recipe.head_pairs for head in recipe.heads for step in _head_steps(context, pair, head)),
        *(head_step(context, pair, head) for head in recipe.superglue for pair in recipe.pairs),
    )


def _head_steps(context: Context, pair: str, head: Head) -> tuple[Step, ...]:
    own = (begin_step(context, pair, head.name, head.train, head.beginning),) if head.beginning else ()
    return (*own, head_step(context, pair, head))
