"""The steps that teach combinations to chat: the demo recipe's conversations, and its held-out measure."""

from __future__ import annotations

from t5gemma_app.checkpoints.card import DataUse
from t5gemma_app.training.data.reading import DataOrder
from t5gemma_app.training.demo.card import EXAMPLES, SKILLS
from t5gemma_app.training.demo.recipe import measure
from t5gemma_app.training.family.cards import LICENCE, About, rewrite_card, skill_scores
from t5gemma_app.training.family.commands import finetune_command
from t5gemma_app.training.family.conversations import FILE, write_conversations
from t5gemma_app.training.family.places import pair_name, task_name
from t5gemma_app.training.family.reading import read_texts
from t5gemma_app.training.family.sources import QUESTIONS, uses
from t5gemma_app.training.family.steps import Context, Outcome, Say, Step
from t5gemma_app.training.finetune import FinetuneOrder, finetune

TASK = "chat"


def conversation_step(context: Context) -> Step:
    """Return the step that writes the rows, the same for every combination."""
    recipe, places = context.recipe, context.places

    def run(_: Say) -> Outcome:
        write_conversations(places.output / FILE, recipe.seed, recipe.chat_rows, places.data / "chat")
        return Outcome()

    # One command makes every file, so how many rows are asked for has to be said beside it.
    command = f"{context.command}  # {recipe.chat_rows:,} conversations, seed {recipe.seed}"
    return Step(FILE, "conversations", command, (), run)


def chat_step(context: Context, pair: str) -> Step:
    """Return the step that teaches a combination to chat and asks it what it was never shown."""
    recipe, places, base = context.recipe, context.places, pair_name(pair)
    order = FinetuneOrder(
        base=places.folder(base),
        name=base,
        output=places.folder(task_name(pair, TASK)),
        data=DataOrder(task=TASK, train=(str(places.output / FILE),), share=recipe.share),
        plan=recipe.chat,
        machine=context.machine,
    )
    command = finetune_command(order, places.data)

    def run(say: Say) -> Outcome:
        found = finetune(order, say)
        say("answers the held-out prompts")
        skills = skill_scores(measure(order.output, recipe.seed, every=recipe.measured))
        outcome = Outcome.of(found, skills)
        about = About(
            "text",
            command,
            context.command,
            _data(context),
            (
                f"{skills[0].value:.0%} of {skills[0].n} held-out prompts of the demo recipe were answered exactly.",
                "Its rows come from the demo recipe's tables and are made by the family's command.",
                "For trying the app, not a source of knowledge.",
            ),
            SKILLS,
            EXAMPLES,
        )
        rewrite_card(order.output, about, outcome.scores)
        return outcome

    return Step(order.output.name, f"chat, {pair}", command, (base, FILE), run)


def _data(context: Context) -> tuple[DataUse, ...]:
    own = DataUse(
        part="training",
        name="conversations made of the demo recipe's own tables (t5gemma_app/training/demo/facts)",
        licence=LICENCE,
        rows=context.recipe.chat_rows,
    )
    questions = uses(context.places.data, (QUESTIONS,), "training")
    return (own, *questions, *read_texts(context, "pretraining text"))
