"""The evaluation of a model in training: every row once, shared by threads and processes, with figures as by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from t5gemma_app.training.examples import Batch, Example, Kind, collate, cut_parts
from t5gemma_app.training.losses import Answer, answer
from t5gemma_app.training.parallel import Replicas
from t5gemma_app.training.processes import Processes
from t5gemma_app.training.scores import Scores, score


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Rows to be judged on."""

    kind: Kind
    examples: Sequence[Example]
    labels: tuple[str, ...]
    commonest: int | None
    pad: int
    tokens: int
    """Ids that are computed at once."""

    def run(self, replicas: Replicas[Any, Any], processes: Processes, exact: bool = False) -> Scores:
        """Return what the model reaches; it is in evaluation mode.

        Args:
            replicas: The model.
            processes: Who evaluates together.
            exact: Whether all is computed in float32, whatever training computes in.
        """
        numbered = {id(example): number for number, example in enumerate(self.examples)}
        own = list(self.examples[processes.rank :: processes.size])
        parts = cut_parts(own, self.tokens)

        def judge(model: Any, part: list[Example]) -> Answer:
            batch: Batch = collate(self.kind, part, self.pad).to(processes.device)
            with processes.computing(exact):
                return answer(model, self.kind, batch)

        answers = replicas.map(judge, parts)
        found = [
            (numbered[id(example)], said)
            for part, one in zip(parts, answers, strict=True)
            for example, said in zip(part, one.predicted, strict=bool(one.predicted))
        ]
        predicted = [said for _, said in sorted(processes.gather(found))]
        return score(self.kind, self.examples, processes.gather(answers), predicted, self.labels, self.commonest)
