"""The training loop: rows in, weights out, resumable at any step with the same weights as if it had never stopped.

Knows optimisation; refuses to know tasks and the files of checkpoints.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from random import Random
from typing import Any

import torch

from t5gemma_app.errors import TrainingError
from t5gemma_app.training.dropout import own_noise
from t5gemma_app.training.evaluating import Evaluation
from t5gemma_app.training.examples import Example, Kind, Stream, collate, cut_parts, with_unknown_words
from t5gemma_app.training.losses import Teaching, loss_function
from t5gemma_app.training.optimizers import build_optimizers, kept_states, restore_states, set_rates
from t5gemma_app.training.order import RowOrder
from t5gemma_app.training.parallel import IGNORED, Replicas
from t5gemma_app.training.plan import Plan
from t5gemma_app.training.processes import Processes
from t5gemma_app.training.runs import RunFolder
from t5gemma_app.training.scores import Scores
from t5gemma_app.training.state import load_parts, save_parts

SAVE_SECONDS = 90.0
TELL_SECONDS = 15.0
_CROSS = "cross_attn"

Stopped = Callable[[], bool]
"""Whether training should end before its next step."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is trained, on what."""

    model: Any
    kind: Kind
    stream: Stream
    evaluation: Evaluation | None
    pad: int
    unknown: int
    """The id that word dropout writes."""
    teaching: Teaching | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """How far a run has come."""

    step: int = 0
    best: float | None = None
    """The best main figure so far."""
    best_step: int = 0
    stale: int = 0
    """Evaluations since the best one."""
    seconds: float = 0.0
    """Seconds spent training, over all the times the run was started."""
    ended: bool = False
    """Whether the run stopped before its last step, because nothing got better."""


class Trainer:
    """Trains a job by a plan.

    Args:
        job: What is trained.
        plan: How.
        processes: Who trains together.
        replicas: Threads that share a step.
        run: Where log and state are kept; None keeps nothing.
        save_best: Writes the model whenever an evaluation is the best so far.
        say: Receives a line now and then.
        save_seconds: Seconds between two saved states.
        stopped: Asked before every step by a run of one process; several could not agree on the step.
    """

    def __init__(
        self,
        job: Job,
        plan: Plan,
        processes: Processes,
        *,
        replicas: int = 1,
        run: RunFolder | None = None,
        save_best: Callable[[], None] = lambda: None,
        say: Callable[[str], None] = lambda _: None,
        save_seconds: float = SAVE_SECONDS,
        stopped: Stopped = lambda: False,
    ) -> None:
        self._job = job
        self._plan = plan
        self._processes = processes
        self._replicas = replicas
        self._run = run if processes.first else None
        self._state_folder = run.path if run else None
        self._save_best = save_best
        self._say = say
        self._save_seconds = save_seconds
        self._stopped = stopped if processes.size == 1 else lambda: False
        self.total = plan.total_steps(len(job.stream))
        self._order = RowOrder(job.stream, plan.batch_rows, plan.seed)
        if replicas > 1:
            own_noise(job.model)
        if plan.checkpointing:
            job.model.activation_checkpointing_enable()
        self._trained = {name for name, p in job.model.named_parameters() if p.requires_grad}
        self._optimizers = build_optimizers(job.model, plan, replicas, processes.dtype)
        self._computed = _computed(processes, replicas)

    def train(self, stop_after: int | None = None) -> Position:
        """Train until the plan is fulfilled, going on from a saved state where there is one; return where it stopped.

        Args:
            stop_after: A step after which the call ends early, with the state saved.

        Raises:
            TrainingError: The loss or the gradient is no number any more, or the saved state is of another version.
        """
        model = self._job.model
        model.to(self._processes.device)  # first, for restored optimisers follow their weights
        position = self._resumed()
        loss_of = loss_function(self._job.kind, self._plan.smoothing, self._job.teaching, self._plan.consistency)

        def summed_loss(replica: Any, batch: Any) -> torch.Tensor:
            with self._processes.computing():
                return loss_of(replica, batch)

        last = min(self.total, stop_after or self.total)
        with Replicas(model, self._replicas, summed_loss) as replicas:
            self._choose_trained(replicas, position.step)
            replicas.train(True)
            position = self._steps(replicas, position, last)
        self._save(position)
        return position

    def _steps(self, replicas: Replicas[Any, Any], position: Position, last: int) -> Position:
        clock = told = saved = time.monotonic()
        losses: list[float] = []
        while position.step < last and not position.ended and not self._stopped():
            if position.step == self._plan.cross_attention_steps:
                self._choose_trained(replicas, position.step)
            loss, norm, tokens = self._step(replicas, position.step)
            losses.append(loss)
            now = time.monotonic()
            rate = self._plan.rate_at(position.step, self.total)
            position = replace(position, step=position.step + 1, seconds=position.seconds + now - clock)
            self._log_step(position, loss, norm, rate, tokens, now - clock)
            clock = now
            if position.step % self._plan.evaluation_steps(len(self._job.stream)) == 0 or position.step == self.total:
                position = self._evaluate(replicas, position)
                self._save(position)
                clock = saved = time.monotonic()
            elif now - saved > self._save_seconds:
                self._save(position)
                clock = saved = time.monotonic()
            if now - told > TELL_SECONDS:
                self._say(f"step {position.step:,} of {self.total:,}, loss {sum(losses) / len(losses):.4f}")
                losses, told = [], now
        return position

    def _step(self, replicas: Replicas[Any, Any], step: int) -> tuple[float, float, int]:
        """Take one step; return the mean loss of its targets, the gradient's norm, and how many ids were computed."""
        rows = self._rows(step)
        targets = sum(_targets(row) for row in rows)
        own = rows[self._processes.rank :: self._processes.size]
        loss = 0.0
        for number, part in enumerate(cut_parts(own, self._plan.part_tokens * self._replicas)):
            batch = collate(self._job.kind, part, self._job.pad, self._seed(step, number))
            loss += replicas.accumulate(batch.to(self._processes.device), targets)
        loss = self._processes.total(loss)
        parameters = [p for p in self._job.model.parameters() if p.requires_grad]
        self._processes.add_gradients(parameters)
        norm = float(torch.nn.utils.clip_grad_norm_(parameters, self._plan.clip or math.inf))
        if not math.isfinite(loss) or not math.isfinite(norm):
            raise TrainingError(
                f"{'The loss' if not math.isfinite(loss) else 'The gradient'} is no number in step {step + 1}.",
                expected="A finite one; no weight was changed by this step.",
                remedy="Lower the learning rate, or check the checkpoint and the rows.",
            )
        set_rates(self._optimizers, self._plan.rate_at(step, self.total))
        replicas.step(self._optimizers)
        return loss, norm, sum(row.length for row in rows)

    def _rows(self, step: int) -> list[Example]:
        rows = self._order.examples(step)
        rng = Random(f"{self._plan.seed}:words:{step}")  # noqa: S311  (can be made again, no secret)
        return [with_unknown_words(row, self._plan.word_dropout, self._job.unknown, rng) for row in rows]

    def _seed(self, step: int, part: int) -> int:
        name = f"{self._plan.seed}:dropout:{step}:{self._processes.rank}:{part}"
        return Random(name).getrandbits(48)  # noqa: S311  (can be made again, no secret)

    def _choose_trained(self, replicas: Replicas[Any, Any], step: int) -> None:
        """Train cross-attention alone in the first steps of a plan that asks for it, then everything."""
        alone = step < self._plan.cross_attention_steps
        trained = {name for name in self._trained if not alone or _CROSS in name}
        if not trained:
            raise TrainingError("The model has no cross-attention to train alone.", remedy="Leave the warm-up out.")
        replicas.require_gradients(trained)

    def _evaluate(self, replicas: Replicas[Any, Any], position: Position) -> Position:
        if self._job.evaluation is None:
            return position
        replicas.train(False)
        scores = self._job.evaluation.run(replicas, self._processes)
        replicas.train(True)
        better = scores.better_than(position.best)
        position = (
            replace(position, best=scores.main.value, best_step=position.step, stale=0)
            if better
            else replace(position, stale=position.stale + 1)
        )
        if self._plan.patience and position.stale >= self._plan.patience:
            position = replace(position, ended=True)
        if better and self._processes.first:
            self._save_best()
        self._log_evaluation(position, scores, better)
        return position

    def _log_step(self, position: Position, loss: float, norm: float, rate: float, tokens: int, seconds: float) -> None:
        self._processes.track({"loss": loss, "rate": rate, "norm": norm}, position.step)
        if self._run:
            self._run.log(
                "step", step=position.step, loss=loss, rate=rate, norm=norm, tokens=tokens, seconds=round(seconds, 4)
            )

    def _log_evaluation(self, position: Position, scores: Scores, better: bool) -> None:
        values = scores.to_dict()
        self._processes.track({f"evaluation {name}": value for name, value in values.items()}, position.step)
        if self._run:
            self._run.log("evaluation", step=position.step, scores=values, best=better)
        mark = "the best so far" if better else f"best {position.best:.4f} at step {position.best_step:,}"
        self._say(f"step {position.step:,}: {scores.main.name} {scores.main.value:.4f}, {mark}")

    def _resumed(self) -> Position:
        parts = load_parts(self._state_folder) if self._state_folder else None
        if parts is None:
            if self._run:
                self._run.rewind(-1)
                self._run.log("begin", step=0, total=self.total)
            return Position()
        if "kept" not in parts:
            raise TrainingError(
                f"The state saved in {self._state_folder} is of an earlier version.",
                remedy="Finish the run with that version, or delete the folder to begin anew.",
            )
        position = Position(**parts["position"])
        self._job.model.load_state_dict(parts["model"], strict=False)
        restore_states(self._job.model, self._optimizers, parts["kept"])
        if self._run:
            self._run.rewind(position.step)
        self._say(f"Going on after step {position.step:,} of {self.total:,}.")
        if parts["computed"] != self._computed:
            self._say(
                f"Computed with {parts['computed']} so far and with {self._computed} from now on: "
                "rounding will differ from that of a run on one machine."
            )
        return position

    def _save(self, position: Position) -> None:
        if not self._run:
            return
        state = self._job.model.state_dict()
        save_parts(
            self._run.path,
            {
                "position": asdict(position),
                "model": {name: state[name] for name in self._trained},
                "kept": kept_states(self._job.model, self._optimizers),
                "computed": self._computed,
            },
        )


def _computed(processes: Processes, replicas: int) -> str:
    """Return what the last digits hang on besides the plan."""
    number = str(processes.dtype).removeprefix("torch.")
    return f"{number} on {processes.device.type}, processes {processes.size}, threads of each {replicas}"


def _targets(example: Example) -> int:
    return sum(target != IGNORED for target in example.targets)
