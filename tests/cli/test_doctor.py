import argparse
import json
from dataclasses import dataclass

from t5gemma_app.cli.doctor import run
from t5gemma_app.engine.fake import FakeEngine
from t5gemma_app.engine.types import KernelReport

FINE = KernelReport("sdpa", True, "ours", "cpu", "float32", {"encoder": 1e-6, "single step": 2e-7}, 1.5, 3.0)
ABSENT = KernelReport("flash_attention_2", False, "it needs a CUDA device, this is cpu")
BROKEN = KernelReport("eager", True, "", "cpu", "float32", {"encoder": float("nan")}, 1.0, 1.0)


@dataclass
class Parts:
    reports: tuple[KernelReport, ...]
    engine: FakeEngine

    def doctor(self) -> tuple[KernelReport, ...]:
        return self.reports


def doctor(*reports: KernelReport, json: bool = False) -> int:
    return run(argparse.Namespace(json=json), Parts(reports, FakeEngine()))


def test_the_table_has_every_kernel_with_errors_and_reasons(capsys) -> None:
    assert doctor(FINE, ABSENT) == 0
    printed = capsys.readouterr().out
    for word in ("error, single step", "2.0e-07", "1.5 ms", "3.0 ms", "needs a CUDA device", "no real device"):
        assert word in printed


def test_json_is_one_document_with_null_for_what_is_no_number(capsys) -> None:
    assert doctor(FINE, BROKEN, json=True) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["kernels"][0]["largest_error"] == {"encoder": 1e-6, "single step": 2e-7}
    assert document["kernels"][1]["largest_error"] == {"encoder": None}
    assert document["devices"][0]["name"] == "cpu"


def test_a_kernel_without_numbers_fails_the_command_and_is_named(capsys) -> None:
    assert doctor(FINE, BROKEN) == 1
    assert "eager" in capsys.readouterr().err
