"""The share of right class numbers, for `evaluate.load("eval_suites/metrics/accuracy")` without a network."""

import datasets
import evaluate

from t5gemma_app.benchmarks import metrics


class Accuracy(evaluate.Metric):
    """Accuracy, as `{"accuracy": value}`; None where nothing was added."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="The share of right predictions.",
            citation="",
            features=datasets.Features({"predictions": datasets.Value("int64"), "references": datasets.Value("int64")}),
        )

    def _compute(self, predictions: list[int], references: list[int]) -> dict[str, float | None]:
        return {"accuracy": metrics.accuracy(references, predictions)}
