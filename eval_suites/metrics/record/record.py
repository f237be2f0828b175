"""ReCoRD's F1 and exact match, best over the right answers, for `evaluate.load("eval_suites/metrics/record")`."""

import datasets
import evaluate

from t5gemma_app.benchmarks import metrics


class Record(evaluate.Metric):
    """ReCoRD, as `{"f1": value, "em": value}`; texts are compared after SQuAD's normalisation."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Token F1 and exact match of each answer against the right answer that suits it best.",
            citation="",
            features=datasets.Features(
                {
                    "predictions": datasets.Value("string"),
                    "references": datasets.Sequence(datasets.Value("string")),
                }
            ),
        )

    def _compute(self, predictions: list[str], references: list[list[str]]) -> dict[str, float | None]:
        return metrics.best_texts(predictions, references)
