"""The eight benchmarks of SuperGLUE and the formatters that show their rows."""

from __future__ import annotations

from t5gemma_app.benchmarks.formatter import Formatter
from t5gemma_app.benchmarks.formatters import boolq, cb, copa, multirc, record, rte, wic, wsc
from t5gemma_app.benchmarks.records import Benchmark
from t5gemma_app.errors import InputError, did_you_mean

_MODULES = (boolq, cb, copa, multirc, record, rte, wic, wsc)

BENCHMARKS: tuple[Benchmark, ...] = tuple(module.BENCHMARK for module in _MODULES)
FORMATTERS: tuple[Formatter, ...] = tuple(formatter for module in _MODULES for formatter in module.FORMATTERS)


def benchmark_named(name: str) -> Benchmark:
    """Return the benchmark with a name; raises `InputError` with a suggestion."""
    known = {benchmark.name: benchmark for benchmark in BENCHMARKS}
    if name not in known:
        raise InputError(
            f"There is no benchmark {name!r}.",
            expected=f"The benchmarks are {', '.join(known)}.",
            remedy=did_you_mean(name, known),
        )
    return known[name]


def formatter_named(name: str, benchmark: str = "") -> Formatter:
    """Return a formatter by its full name, or by its short one (`harness@1`) where the benchmark is given.

    Raises:
        InputError: No formatter has the name, or it belongs to another benchmark.
    """
    full = name if ":" in name or not benchmark else f"{benchmark}:{name}"
    known = {
        formatter.name: formatter
        for formatter in FORMATTERS
        if not benchmark or formatter.name.startswith(f"{benchmark}:")
    }
    if full not in known:
        raise InputError(
            f"There is no formatter {name!r}{f' for {benchmark}' if benchmark else ''}.",
            expected=f"The formatters are {', '.join(known)}.",
            remedy=did_you_mean(full, known),
        )
    return known[full]
