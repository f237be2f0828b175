import csv
import re
from pathlib import Path

import pytest

from t5gemma_app.evaluation.published import PUBLISHED

FACTS = Path(__file__).resolve().parents[3] / "shared" / "facts" / "paper_results.csv"
OBJECTIVES = {"PrefixLM+KD": "prefixlm", "UL2": "ul2", "causal LM (decoder-only)": "causal"}
STARTS = {"PT": "pretrained", "IT (SFT)": "instruction-tuned (SFT)", "IT (RLHF)": "instruction-tuned (RLHF)"}


@pytest.mark.skipif(not FACTS.exists(), reason="the figures as collected from the paper are not beside the project")
def test_the_figures_are_those_collected_from_the_paper() -> None:
    collected = set()
    with FACTS.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if not row["source"].endswith("Table 2(b)"):
                continue
            start = STARTS[row["task_or_metric"].split("fine-tuned from ")[1]]
            size = re.search(r"(?:T5Gemma|Gemma 2|framework) ([A-Z0-9-]+)", row["model"]).group(1)
            collected.add((size, OBJECTIVES[row["objective"]], start, float(row["value"])))
    ours = {
        (
            (f"{p.encoder_size}-{p.decoder_size}" if p.encoder_size else p.decoder_size).upper(),
            p.objective,
            p.start,
            round(p.score * 100, 1),
        )
        for p in PUBLISHED
    }
    assert ours == collected


def test_every_figure_is_a_share_and_names_its_table() -> None:
    assert len(PUBLISHED) == 43
    assert len({(p.model, p.objective, p.start) for p in PUBLISHED}) == len(PUBLISHED)
    assert all(0.5 < p.score < 1 and "Table 2(b)" in p.source for p in PUBLISHED)
