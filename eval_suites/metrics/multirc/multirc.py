"""MultiRC's F1 over answers and exact match over questions, for `evaluate.load("eval_suites/metrics/multirc")`."""

import datasets
import evaluate

from t5gemma_app.benchmarks import metrics


class Multirc(evaluate.Metric):
    """MultiRC, as `{"f1a": value, "em": value}`; 1 says that an answer is correct."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="F1 of the correct answers, and the share of questions whose answers are all judged right.",
            citation="",
            features=datasets.Features(
                {
                    "predictions": datasets.Value("int64"),
                    "references": datasets.Value("int64"),
                    "questions": datasets.Value("string"),
                }
            ),
        )

    def _compute(self, predictions: list[int], references: list[int], questions: list[str]) -> dict[str, float | None]:
        return {
            "f1a": metrics.f1a(references, predictions),
            "em": metrics.exact_match(questions, references, predictions),
        }
