from __future__ import annotations

import pytest

from t5gemma_app.errors import InputError
from t5gemma_app.training.choices import choose_precision, choose_replicas


@pytest.mark.parametrize(
    ("device", "bfloat16", "native", "wish", "chosen"),
    [
        ("cpu", True, False, "auto", "float32"),
        ("cpu", True, True, "auto", "bfloat16"),
        ("cuda", True, True, "auto", "bfloat16"),
        ("cuda", False, False, "auto", "float32"),
        ("mps", True, False, "auto", "float32"),
        ("cpu", True, False, "bfloat16", "bfloat16"),
        ("cuda", True, True, "float32", "float32"),
    ],
)
def test_precision_is_chosen_with_a_reason(device: str, bfloat16: bool, native: bool, wish: str, chosen: str) -> None:
    reason = choose_precision(device, bfloat16, native, wish)
    assert (reason.subject, reason.choice) == ("precision", chosen)
    assert reason.because


@pytest.mark.parametrize("arguments", [("cuda", False, False, "bfloat16"), ("cpu", True, True, "float16")])
def test_a_precision_that_cannot_be_is_refused(arguments: tuple) -> None:
    with pytest.raises(InputError):
        choose_precision(*arguments)


@pytest.mark.parametrize(
    ("device", "processes", "threads", "checkpointing", "chosen"),
    [
        ("cpu", 1, 2, False, "2"),
        ("cpu", 1, 64, False, "8"),
        ("cpu", 2, 4, False, "1"),
        ("cpu", 1, 4, True, "1"),
        ("cuda", 1, 4, False, "1"),
    ],
)
def test_threads_share_a_step_where_that_helps(
    device: str, processes: int, threads: int, checkpointing: bool, chosen: str
) -> None:
    assert choose_replicas(device, processes, threads, checkpointing).choice == chosen


def test_asking_for_threads_is_honoured_or_refused() -> None:
    assert choose_replicas("cpu", 2, 4, False, 3).choice == "3"
    for arguments in (("cuda", 1, 4, False, 2), ("cpu", 1, 4, True, 2), ("cpu", 1, 4, False, 0)):
        with pytest.raises(InputError, match="can't share a step"):
            choose_replicas(*arguments)
