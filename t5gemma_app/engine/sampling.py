"""Choosing the next token from logits; each row has its own parameters and its own random stream."""

from __future__ import annotations

import torch
from torch import Tensor

from t5gemma_app.engine.types import SamplingParameters


class Chooser:
    """Chooses one row's tokens.

    The filters and their order are transformers' (repetition penalty, temperature, top-k, top-p, min-p), so that a
    setting means the same here and there. The random draw is one uniform number a step from a generator of the row's
    own on the CPU, so that the same seed gives the same answer whoever else is served.

    Args:
        parameters: The row's parameters.
        start_id: The decoder's first id; transformers counts it as part of the answer when it penalises repetition.
    """

    def __init__(self, parameters: SamplingParameters, start_id: int) -> None:
        self._parameters = parameters
        self._generator = torch.Generator(device="cpu").manual_seed(parameters.seed)
        self._seen: dict[int, None] = {start_id: None}

    @property
    def plain_greedy(self) -> bool:
        """Whether the choice is the largest logit, so that a whole batch can be chosen at once."""
        return self._parameters.greedy and self._parameters.repetition_penalty == 1.0

    @property
    def needed(self) -> int | None:
        """How many of the best words the choice depends on; None where it depends on all of them."""
        if self._parameters.repetition_penalty != 1.0:
            return None
        return 1 if self._parameters.greedy else self._parameters.top_k or None

    def choose(self, logits: Tensor, ids: Tensor | None = None) -> int:
        """Return the next token.

        Args:
            logits: [words], any dtype.
            ids: The words' ids, where they are the best `needed` ones and others rather than the whole vocabulary.
        """
        scores = penalised(logits.float(), list(self._seen), self._parameters.repetition_penalty)
        if self._parameters.greedy:
            place = int(scores.argmax())
        else:
            place = self._draw(*kept(scores, self._parameters))
        index = place if ids is None else int(ids[place])
        self._seen[index] = None
        return index

    def _draw(self, scores: Tensor, ids: Tensor) -> int:
        # In float64 the cumulative sum of 256,000 probabilities still reaches 1.
        probabilities = torch.softmax(scores.double(), dim=-1).cumsum(dim=-1).cpu()
        point = torch.rand(1, generator=self._generator, dtype=torch.float64) * probabilities[-1]
        place = min(int(torch.searchsorted(probabilities, point, right=True)), len(ids) - 1)
        return int(ids[place])


def penalised(scores: Tensor, seen: list[int], penalty: float) -> Tensor:
    """Return scores with the tokens of the answer so far made less probable.

    Args:
        scores: [vocabulary], float32.
        seen: Ids of the answer so far.
        penalty: Divides positive and multiplies negative scores; 1 changes nothing.
    """
    if penalty == 1.0 or not seen:
        return scores
    index = torch.tensor(seen, device=scores.device)
    values = scores[index]
    return scores.index_copy(0, index, torch.where(values < 0, values * penalty, values / penalty))


def kept(scores: Tensor, parameters: SamplingParameters) -> tuple[Tensor, Tensor]:
    """Return the scores that may be drawn and their ids, best first.

    Args:
        scores: [vocabulary], float32.
        parameters: Temperature above 0, top-k, top-p and min-p.

    Returns:
        Two tensors of the same length, 1 at least.
    """
    scores = scores / parameters.temperature
    size = scores.shape[-1]
    k = min(parameters.top_k, size) if parameters.top_k else size
    values, ids = torch.topk(scores, k) if k < size else torch.sort(scores, descending=True, stable=True)
    if k < size:
        # transformers keeps every token that ties with the k-th one.
        tied = torch.nonzero(scores == values[-1]).flatten()
        above = int((values > values[-1]).sum())
        values = torch.cat([values[:above], values.new_full((len(tied),), float(values[-1]))])
        ids = torch.cat([ids[:above], tied])
    if parameters.top_p < 1.0:
        # The mass from a token to the end of the ranking decides, as transformers sums from the least probable up.
        mass = torch.softmax(values, dim=-1).flip(0).cumsum(0).flip(0)
        keep = mass > 1.0 - parameters.top_p
        keep[0] = True
        values, ids = values[keep], ids[keep]
    if parameters.min_p > 0.0:
        probabilities = torch.softmax(values, dim=-1)
        keep = probabilities >= parameters.min_p * probabilities[0]
        values, ids = values[keep], ids[keep]
    return values, ids
