"""Scores SuperGLUE rows with lm-evaluation-harness, in the harness's own environment; called by `bench.scoring`.

Its packaged task definitions are used as they are; only the source of the rows is replaced by files on this machine.
Known of the harness, and left so: it encodes a context again for every choice, its MultiRC counts the wrong answers as
right (log-probabilities are not touched by that), and without `max_length` it would cut contexts at 2,048 tokens.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDERS = {"boolq": "BoolQ", "cb": "CB", "copa": "COPA", "multirc": "MultiRC", "rte": "RTE", "wic": "WiC", "wsc": "WSC"}
CLASSES = {"cb": ["entailment", "contradiction", "neutral"], "rte": ["entailment", "not_entailment"]}


def flat(task: str, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Bring a row of the official files into the columns of the Hub's table, which the task definitions read."""
    if task == "multirc":
        for question in row["passage"]["questions"]:
            for answer in question["answers"]:
                yield {
                    "paragraph": row["passage"]["text"],
                    "question": question["question"],
                    "answer": answer["text"],
                    "label": answer["label"],
                    "idx": {"paragraph": row["idx"], "question": question["idx"], "answer": answer["idx"]},
                }
        return
    values = {**row, **row.get("target", {})}
    values.pop("target", None)
    label = values["label"]
    values["label"] = CLASSES[task].index(label) if task in CLASSES else int(label)
    yield values


def rows(task: str, folder: Path, limit: int) -> list[dict[str, Any]]:
    """Return the first flattened rows of a task's validation file."""
    lines = (folder / FOLDERS[task] / "val.jsonl").read_text(encoding="utf-8").splitlines()
    return [values for line in lines for values in flat(task, json.loads(line))][:limit]


def definition(task: str, data: Path) -> str:
    """Return a task that includes the packaged one and reads its rows from a file."""
    import lm_eval

    packaged = Path(lm_eval.__file__).parent / "tasks" / "super_glue" / task / "default.yaml"
    settings = {
        "include": str(packaged),
        "task": f"local_{task}",
        "tag": [],
        "dataset_path": "json",
        "dataset_name": None,
        "training_split": None,
        "dataset_kwargs": {"data_files": {"validation": str(data)}},
    }
    # JSON is YAML
    return json.dumps(settings)


def main() -> int:
    """Score every task and print what was measured as JSON on the last line."""
    parser = argparse.ArgumentParser(description="see the module's docstring")
    parser.add_argument("checkpoint")
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--tasks", default=",".join(FOLDERS))
    parser.add_argument("--limit", type=int, default=32)
    parser.add_argument("--batch-size", type=int, default=16)
    options = parser.parse_args()

    import lm_eval
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    model = HFLM(
        pretrained=options.checkpoint,
        backend="seq2seq",
        dtype="float32",
        device="cpu",
        batch_size=options.batch_size,
        max_length=8192,
    )
    report: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for task in options.tasks.split(","):
            data = Path(scratch) / f"{task}.jsonl"
            data.write_text("".join(json.dumps(row) + "\n" for row in rows(task, options.data_dir, options.limit)))
            (Path(scratch) / f"{task}.yaml").write_text(definition(task, data), encoding="utf-8")
            manager = TaskManager(include_path=scratch)
            begun = time.perf_counter()
            found = lm_eval.simple_evaluate(
                model=model, tasks=[f"local_{task}"], task_manager=manager, log_samples=True, bootstrap_iters=0
            )
            seconds = time.perf_counter() - begun
            samples = sorted(found["samples"][f"local_{task}"], key=lambda sample: sample["doc_id"])
            report[task] = {
                "seconds": seconds,
                "logprobs": [[float(answer[0][0]) for answer in sample["resps"]] for sample in samples],
            }
    print("\n" + json.dumps(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
