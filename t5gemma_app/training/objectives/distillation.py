"""Learning from a decoder-only teacher: its probabilities of each target in place of the targets alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, softmax
from transformers import Gemma2ForCausalLM

from t5gemma_app.errors import InputError
from t5gemma_app.training.objectives.pairs import Pair


def distillation_loss(student: Tensor, teacher: Tensor, temperature: float = 1.0) -> Tensor:
    """Return the summed cross-entropy of a student's words under its teacher's probabilities.

    Its gradient is that of the Kullback-Leibler divergence from teacher to student; the teacher's own entropy, which no
    student can change, is not subtracted. Scaled by the squared temperature, gradients keep their size.

    Args:
        student: Logits, [positions, words].
        teacher: Logits of the same positions; no gradient flows into them.
        temperature: Divides both before the softmax; above 1 the teacher's less likely words count more.

    Raises:
        InputError: The vocabularies differ, or the temperature is not above 0.
    """
    if student.shape != teacher.shape:
        raise InputError(
            f"The student's logits are {list(student.shape)} and the teacher's {list(teacher.shape)}.",
            expected="Both have the same positions and the same vocabulary.",
            remedy="Take a teacher that was trained with the same tokenizer.",
        )
    if not temperature > 0:
        raise InputError(f"The temperature is {temperature}.", expected="It is above 0.")
    wanted = softmax(teacher.detach().float() / temperature, dim=-1)
    return -(wanted * log_softmax(student.float() / temperature, dim=-1)).sum() * temperature**2


@torch.inference_mode()
def teacher_logits(teacher: Gemma2ForCausalLM, pairs: Sequence[Pair], device: torch.device | str = "cpu") -> Tensor:
    """Return what a decoder-only model says of every target, reading the input and the targets before it.

    Args:
        teacher: The decoder-only model.
        pairs: Input and target of each row, the input beginning with whatever the teacher expects at the start.
        device: Where the teacher is.

    Returns:
        Logits, [all targets of all rows, words], row after row.
    """
    rows = [[*pair.inputs, *pair.targets[:-1]] for pair in pairs]
    width = max(len(row) for row in rows)
    ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows], device=device)
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=device)
    hidden = teacher.model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
    read = torch.cat(
        [hidden[at, len(pair.inputs) - 1 : len(row)] for at, (pair, row) in enumerate(zip(pairs, rows, strict=True))]
    )
    logits: Tensor = teacher.lm_head(read)
    cap = teacher.config.final_logit_softcapping
    return logits if cap is None else torch.tanh(logits / cap) * cap
