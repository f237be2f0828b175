"""The mean F1 of all classes (CB has 3), for `evaluate.load("eval_suites/metrics/macro_f1")` without a network."""

import datasets
import evaluate

from t5gemma_app.benchmarks import metrics


class MacroF1(evaluate.Metric):
    """Macro-F1, as `{"f1": value}`; a class that is neither there nor predicted has 0."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="The unweighted mean of the F1 of `classes` classes.",
            citation="",
            features=datasets.Features({"predictions": datasets.Value("int64"), "references": datasets.Value("int64")}),
        )

    def _compute(self, predictions: list[int], references: list[int], classes: int = 3) -> dict[str, float | None]:
        return {"f1": metrics.macro_f1(references, predictions, classes)}
