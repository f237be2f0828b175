"""Log-probabilities of answers, with each context encoded once and each answer prefix decoded once.

Works on token ids. The answers of a question are decoded as one row, a tree of their tokens. On a CPU the rows are
packed without padding where `packed.can_pack` allows it; else they are padded. A [rows, positions, vocabulary] array is
never built: the output head runs over a few positions and a part of the vocabulary at a time, and only their sums and
the answers' own logits are kept.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from t5gemma_app.engine.capping import capped_exponentials
from t5gemma_app.engine.generate import padded, special_ids
from t5gemma_app.engine.packed import Nodes, Steps, can_pack, decode_packed, encode_packed
from t5gemma_app.engine.products import products
from t5gemma_app.engine.steps import exhaust

# Positions per pass of the output head: 64 x 256,000 float32 logits are 66 MB.
HEAD_POSITIONS = 64
# On a CPU the head runs over parts of the vocabulary, whose logits stay in the cache until their sum is taken. Reading
# the table costs as much as the product for 30 positions, so that many at once pay; people wait for a few parts.
HEAD_WORDS = 4096
CPU_HEAD_POSITIONS = 512
PARTS_BETWEEN_PAUSES = 4
# Positions that a processor takes at once; a product with 64 is quicker than one with 52.
LANES = 16

Answers = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One context's ids and the ids of the answers to score."""

    context: tuple[int, ...]
    answers: Answers


@dataclass(frozen=True, slots=True)
class Tree:
    """The decoder inputs of a question: what its answers share stands in it once.

    A node is a token after a certain beginning. It is decoded at the position of its depth and sees its ancestors, as
    it would in a row of its own.
    """

    ids: tuple[int, ...]
    """The node's tokens, the decoder's start id first; a parent comes before its children."""
    parents: tuple[int, ...]
    depths: tuple[int, ...]
    places: tuple[tuple[int, ...], ...]
    """For each answer the nodes whose states predict its tokens, in order."""

    def sight(self) -> Tensor:
        """Return which node sees which, [nodes, nodes], as true and false."""
        seen = torch.eye(len(self.ids), dtype=torch.bool)
        for node in range(1, len(self.ids)):
            seen[node] |= seen[self.parents[node]]
        return seen


def plan_tree(answers: Answers, start: int) -> Tree:
    """Return the tree of the answers' tokens; an answer's last token is predicted only, so it has no node."""
    ids, parents, depths = [start], [0], [0]
    children: dict[tuple[int, int], int] = {}
    places: list[tuple[int, ...]] = []
    for answer in answers:
        path = [0]
        for token in answer[:-1]:
            key = (path[-1], token)
            if key not in children:
                children[key] = len(ids)
                ids.append(token)
                parents.append(path[-1])
                depths.append(depths[path[-1]] + 1)
            path.append(children[key])
        places.append(tuple(path))
    return Tree(tuple(ids), tuple(parents), tuple(depths), tuple(places))


@dataclass(frozen=True, slots=True)
class Reading:
    """What the decoder made of a question; the output head has yet to say how likely the answers are."""

    states: Tensor
    """The decoder's states of the tree's nodes, [nodes, hidden]."""
    tree: Tree
    answers: Answers


def score_questions(model: Any, questions: Sequence[Question]) -> list[list[float]]:
    """Return the summed log-probability of every answer of every question.

    Args:
        model: A T5Gemma or T5Gemma 2 for conditional generation, in evaluation mode, not on FlashAttention.
        questions: At least one; an answer has at least one token.
    """
    return exhaust(score_readings(model, exhaust(read_questions(model, questions))))


@torch.inference_mode()
def read_questions(model: Any, questions: Sequence[Question]) -> Generator[None, None, list[Reading]]:
    """Read a batch of questions and their answers with encoder and decoder; packed rows pause within every layer."""
    start, pad, _ = special_ids(model)
    trees = [plan_tree(question.answers, start) for question in questions]
    longest = max(len(question.context) for question in questions)
    deepest = max(max(tree.depths) for tree in trees)
    states = (
        (yield from _packed_states(model, questions, trees))
        if can_pack(model, longest, deepest)
        else _padded_states(model, questions, trees, pad)
    )
    parts = states.split([len(tree.ids) for tree in trees])
    return [Reading(part, tree, question.answers) for question, part, tree in zip(questions, parts, trees, strict=True)]


@torch.inference_mode()
def score_readings(model: Any, readings: Sequence[Reading]) -> Generator[None, None, list[list[float]]]:
    """Return the summed log-probability of every answer of every reading, at least one; pause within the head."""
    firsts = [0, *accumulate(len(reading.tree.ids) for reading in readings)]
    wanted: dict[int, dict[int, float]] = {}
    for first, reading in zip(firsts, readings, strict=False):
        for answer, nodes in zip(reading.answers, reading.tree.places, strict=True):
            for token, node in zip(answer, nodes, strict=True):
                wanted.setdefault(first + node, {})[token] = 0.0
    yield from _fill(model, torch.cat([reading.states for reading in readings]), wanted)
    return [
        [
            sum(wanted[first + node][token] for token, node in zip(answer, nodes, strict=True))
            for answer, nodes in zip(reading.answers, reading.tree.places, strict=True)
        ]
        for first, reading in zip(firsts, readings, strict=False)
    ]


def cut_readings(readings: Sequence[Reading]) -> list[list[Reading]]:
    """Return readings in groups that the output head takes at once; the head's table is read once for a group."""
    groups: list[list[Reading]] = []
    used = CPU_HEAD_POSITIONS
    for reading in readings:
        nodes = len(reading.tree.ids)
        if used + nodes > CPU_HEAD_POSITIONS:
            groups.append([])
            used = 0
        groups[-1].append(reading)
        used += nodes
    return groups


def _packed_states(model: Any, questions: Sequence[Question], trees: Sequence[Tree]) -> Steps:
    """Return the decoder's states of all trees, [nodes, hidden], without padding."""
    encoded = yield from encode_packed(model.get_encoder(), [question.context for question in questions])
    nodes = Nodes(
        ids=[token for tree in trees for token in tree.ids],
        depths=[depth for tree in trees for depth in tree.depths],
        sights=[tree.sight() for tree in trees],
    )
    lengths = [len(question.context) for question in questions]
    return (yield from decode_packed(model.get_decoder(), nodes, encoded, lengths))


def _padded_states(model: Any, questions: Sequence[Question], trees: Sequence[Tree], pad: int) -> Tensor:
    """Return the decoder's states of all trees, [nodes, hidden], through transformers' own forward."""
    device = model.get_input_embeddings().weight.device
    ids, mask = padded([question.context for question in questions], pad, device)
    encoded = model.get_encoder()(input_ids=ids, attention_mask=mask).last_hidden_state
    inputs, real = padded([tree.ids for tree in trees], pad, device)
    positions, _ = padded([tree.depths for tree in trees], 0, device)
    hidden: Tensor = model.get_decoder()(
        input_ids=inputs,
        attention_mask=_self_masks(model, trees, positions, encoded.dtype),
        position_ids=positions,
        encoder_hidden_states=encoded,
        encoder_attention_mask={"full_attention": _cross_mask(mask, real, encoded.dtype)},
        use_cache=False,
    ).last_hidden_state
    return hidden[real.bool()]


def _self_masks(model: Any, trees: Sequence[Tree], positions: Tensor, dtype: torch.dtype) -> dict[str, Tensor]:
    """Return the masks of full and sliding layers, [rows, 1, nodes, nodes], added to the scores."""
    width = positions.shape[1]
    seen = torch.eye(width, dtype=torch.bool).repeat(len(trees), 1, 1)
    for row, tree in enumerate(trees):
        seen[row, : len(tree.ids), : len(tree.ids)] = tree.sight()
    seen = seen.to(positions.device)
    window = model.get_decoder().config.sliding_window
    near = seen if not window else seen & (positions[:, :, None] - positions[:, None, :] < window)
    return {"full_attention": _added(seen[:, None], dtype), "sliding_attention": _added(near[:, None], dtype)}


def _cross_mask(mask: Tensor, real: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the mask of the encoder's padding, [rows, 1, nodes, tokens]."""
    return _added(mask[:, None, None, :].bool().expand(-1, 1, real.shape[1], -1), dtype)


def _added(seen: Tensor, dtype: torch.dtype) -> Tensor:
    hidden = torch.zeros(seen.shape, dtype=dtype, device=seen.device)
    return hidden.masked_fill_(~seen, torch.finfo(dtype).min)


def _fill(model: Any, states: Tensor, wanted: dict[int, dict[int, float]]) -> Generator[None, None, None]:
    """Write the log-probability of each wanted token at each node, and pause after some of them."""
    nodes = list(wanted)
    step = CPU_HEAD_POSITIONS if _sums_parts(model, states) else HEAD_POSITIONS
    for begin in range(0, len(nodes), step):
        part = nodes[begin : begin + step]
        pairs = [(at, token) for at, node in enumerate(part) for token in wanted[node]]
        at, token = torch.tensor(pairs, device=states.device).T
        values = yield from _log_probabilities(model, states[torch.tensor(part, device=states.device)], at, token)
        for (place, word), value in zip(pairs, values.tolist(), strict=True):
            wanted[part[place]][word] = value
        yield


def _log_probabilities(model: Any, states: Tensor, at: Tensor, token: Tensor) -> Steps:
    """Return the log-probability of some tokens, in float64; pause where the vocabulary is summed part by part.

    Args:
        model: The model whose output head is used.
        states: The decoder's states, [positions, hidden].
        at: For each wanted token its position.
        token: The wanted tokens.
    """
    cap = model.get_decoder().config.final_logit_softcapping
    if _sums_parts(model, states):
        weight = model.get_output_embeddings().weight
        capped = torch.tanh((states[at] * weight[token]).sum(-1) / cap) * cap
        total = yield from _log_total(states * (2 / cap), weight, cap)
        return capped.double() - total[at]
    logits = model.lm_head(states).float()
    if cap is not None:
        logits.div_(cap).tanh_().mul_(cap)
    return logits[at, token].double() - torch.logsumexp(logits, dim=-1)[at].double()


def _sums_parts(model: Any, states: Tensor) -> bool:
    """Return whether the vocabulary is summed part by part."""
    capped = model.get_decoder().config.final_logit_softcapping is not None
    return capped and states.device.type == "cpu" and states.dtype == torch.float32


def _log_total(scaled: Tensor, weight: Tensor, cap: float) -> Steps:
    """Return the log of the sum of exp(capped logit) over the vocabulary, [positions], in float64, with pauses.

    Args:
        scaled: The states times two over the cap, [positions, hidden].
        weight: The output table, [words, hidden].
        cap: What the logits are capped by.
    """
    kernels = products(weight[:HEAD_WORDS])
    # The table's words stand as the rows and the states as the weight, whose order is the same for all parts then.
    positions = len(scaled)
    scaled = functional.pad(scaled, (0, 0, 0, -positions % LANES))
    if kernels.ordered is not None:
        scaled = kernels.ordered(scaled, HEAD_WORDS)
    total = torch.zeros(positions, dtype=torch.float64)
    for number, part in enumerate(weight.split(HEAD_WORDS), start=1):
        total += capped_exponentials(kernels.linear(part, scaled), cap, off=cap).sum(dim=0)[:positions]
        if number % PARTS_BETWEEN_PAUSES == 0:
            yield
    return total.log() + cap
