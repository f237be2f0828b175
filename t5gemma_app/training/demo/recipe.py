"""The recipe from nothing to a checkpoint: tokenizer, training, rounding, measurement, card.

Knows the order of the parts and where they are written; refuses to know how any of them works.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, GemmaTokenizer, T5GemmaForConditionalGeneration

from t5gemma_app.errors import CheckpointError, InputError, UnknownCheckpointError
from t5gemma_app.training.demo.card import Facts, write_card
from t5gemma_app.training.demo.heldout import held_out
from t5gemma_app.training.demo.loop import Plan, Report, train
from t5gemma_app.training.demo.measure import Score, answer, scores
from t5gemma_app.training.demo.mixture import Mixture
from t5gemma_app.training.fresh import Shape, fresh_model
from t5gemma_app.training.tokenizer import train_tokenizer

NAME = "t5gemma-demo-chat"
PIECES = 1400
TOKENIZER_ROWS = 30_000
LARGEST_FILE = "9MB"
SEED = 7
STEPS = 8000
"""Steps of the recipe: a number, not a time, so that a slower machine trains the same weights."""


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody asks the recipe for."""

    output: Path = Path("build") / NAME
    state: Path = Path(".state") / "demo"
    data: Path | None = None
    minutes: float | None = None
    """Length of the run in training time, in place of `steps`."""
    steps: int = STEPS
    seed: int = SEED
    shape: Shape = Shape()

    def fingerprint(self) -> str:
        """Return what must stay the same for a saved state to be of use."""
        kept = {"seed": self.seed, "shape": asdict(self.shape), "data": self.data is not None, "pieces": PIECES}
        return json.dumps(kept, sort_keys=True)


def run(order: Order, say: Callable[[str], None] = lambda _: None) -> tuple[Score, ...]:
    """Train the demo checkpoint, or go on with a killed run, and write it with its card; return the held-out scores.

    Raises:
        InputError: The data folder does not exist, or the state belongs to another order.
    """
    if order.data is not None and not order.data.is_dir():
        raise InputError(
            f"There is no folder {order.data}.",
            expected="--data names a local folder of .jsonl files with prompt and response.",
            remedy="Leave --data out to train on the recipe's own sentences alone.",
        )
    _claim_state(order)
    mixture = Mixture(order.seed, order.data)
    tokenizer = _tokenizer(order, mixture)
    model = fresh_model(order.shape, len(tokenizer), order.seed)
    plan = Plan(seed=order.seed, minutes=order.minutes, steps=None if order.minutes else order.steps)
    say(f"{sum(parameter.numel() for parameter in model.parameters()):,} parameters, {len(tokenizer):,} pieces")
    position = train(model, tokenizer, mixture, plan, state_folder=order.state, report=lambda part: say(_line(part)))
    save_checkpoint(model, tokenizer, order.output)
    results = measure(order.output, order.seed)
    facts = Facts(
        seed=order.seed,
        minutes=position.seconds / 60,
        steps=position.step,
        rows=position.step * plan.batch_rows,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        pieces=len(tokenizer),
        hardware=f"{os.cpu_count()} cores of an x86-64 CPU" if platform.machine() == "x86_64" else platform.machine(),
        with_data=order.data is not None,
        scores=results,
    )
    write_card(order.output, facts)
    return results


def save_checkpoint(model: T5GemmaForConditionalGeneration, tokenizer: GemmaTokenizer, folder: Path) -> None:
    """Write the weights, rounded to bfloat16, and the tokenizer; no file passes ten megabytes."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    rounded = model.to(torch.bfloat16)
    rounded.save_pretrained(unfinished, max_shard_size=LARGEST_FILE)
    tokenizer.save_pretrained(unfinished)
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)


def measure(folder: Path, seed: int = SEED, draw: int = 0, every: int = 1) -> tuple[Score, ...]:
    """Answer the held-out prompts, or every so many of them, with a saved checkpoint, in float32 from its weights.

    Raises:
        UnknownCheckpointError: The folder holds no checkpoint.
        CheckpointError: Loading left weights missing or unused.
    """
    if not (folder / "config.json").is_file():
        raise UnknownCheckpointError(
            f"{folder} holds no checkpoint.", expected="A folder that the recipe wrote.", remedy="Check the path."
        )
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model, loading = AutoModelForSeq2SeqLM.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True, output_loading_info=True
    )
    if loading["missing_keys"] or loading["unexpected_keys"]:
        raise CheckpointError(f"{folder} does not fit its configuration: {loading}.", remedy="Train it again.")
    return scores(answer(model, tokenizer, held_out(seed, draw)[::every]))


def _claim_state(order: Order) -> None:
    order.state.mkdir(parents=True, exist_ok=True)
    path = order.state / "order.json"
    if path.is_file() and path.read_text(encoding="utf-8") != order.fingerprint():
        raise InputError(
            f"{order.state} holds the state of another training run.",
            expected="The same seed, shape and data as when it was started.",
            remedy="Finish that run, or delete the folder.",
        )
    path.write_text(order.fingerprint(), encoding="utf-8")


def _tokenizer(order: Order, mixture: Mixture) -> GemmaTokenizer:
    """Return the run's tokenizer: the saved one, or one learnt from a chunk that training never uses."""
    folder = order.state / "tokenizer"
    if (folder / "tokenizer.json").is_file():
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    rows = mixture.chunk(-1, TOKENIZER_ROWS)
    texts = (text for row in rows for text in (*(turn.text for turn in row.turns), row.answer))
    tokenizer = train_tokenizer(texts, PIECES)
    tokenizer.save_pretrained(folder)
    return tokenizer


def _line(part: Report) -> str:
    return f"step {part.step}, {part.progress:.0%}, loss {part.loss:.3f}, {part.rows_per_second:.0f} rows/s"
