"""The strings that an installed lm-evaluation-harness scores, for rows in the official layout."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest


def scored_strings(benchmark: str, rows: Sequence[Mapping[str, Any]], scratch: Path) -> list[list[tuple[str, str]]]:
    """Return context and continuation of every choice of every row, after the harness moved the white space.

    The harness's own task is loaded; only the source of its rows is replaced.
    """
    harness = pytest.importorskip("lm_eval", reason="lm-evaluation-harness is no part of the project's environment")
    if benchmark == "record":
        pytest.importorskip("transformers.data.metrics.squad_metrics", reason="its ReCoRD needs transformers 4")
    from lm_eval.api.model import TemplateLM
    from lm_eval.tasks import TaskManager

    class Listener(TemplateLM):
        """Takes texts for their own tokens."""

        backend = "seq2seq"
        eot_token_id = 0

        def tok_encode(self, string: str, **ignored: Any) -> str:
            return string

        def _loglikelihood_tokens(self, requests: Any, **ignored: Any) -> Any:
            raise AssertionError("Requests are read as they are built; none is answered here.")

        loglikelihood_rolling = generate_until = _loglikelihood_tokens

    source = scratch / "rows.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    packaged = Path(harness.__file__).parent / "tasks" / "super_glue" / benchmark / "default.yaml"
    (scratch / "local.yaml").write_text(
        f"include: {packaged}\ntask: local\ntag: []\ndataset_path: json\ndataset_name: null\ntraining_split: null\n"
        f"dataset_kwargs:\n  data_files:\n    validation: {source}\n",
        encoding="utf-8",
    )
    task = TaskManager(include_path=str(scratch), include_defaults=False).load(["local"])["tasks"]["local"]
    task.build_all_requests(limit=None, rank=0, world_size=1)
    strings: list[list[tuple[str, str]]] = [[] for _ in rows]
    for request in task.instances:
        strings[request.doc_id].append(Listener()._encode_pair(*request.args))
    return strings
