import pytest

from t5gemma_app.benchmarks.hub import configuration, hub_rows
from t5gemma_app.benchmarks.layout import flat_row
from t5gemma_app.errors import InputError


def test_rows_of_the_hub_become_flat_rows():
    row = {
        "passage": "Ann met Bo.",
        "query": "@placeholder spoke.",
        "entities": ["Bo", "Ann", "Bo"],
        "entity_spans": {"text": [], "start": [], "end": []},
        "answers": ["Bo"],
        "idx": {"passage": 1, "query": 2},
    }
    assert flat_row("record", row) == {
        "passage": "Ann met Bo.",
        "query": "@placeholder spoke.",
        "entities": ("Ann", "Bo"),
        "answers": ("Bo",),
        "idx": {"passage": 1, "query": 2},
    }


def test_wsc_comes_from_the_table_with_corrected_spans():
    assert [configuration(name) for name in ("wsc", "cb")] == ["wsc.fixed", "cb"]


def test_an_unknown_split_is_refused_before_anything_is_fetched():
    with pytest.raises(InputError, match="split is 'test'"):
        hub_rows("boolq", "test")


def test_without_a_network_the_error_names_the_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path):
    pytest.importorskip("datasets")
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    with pytest.raises(InputError, match=r"boolq can't be had from aps/super_glue.*--data-dir"):
        hub_rows("boolq", "val")
