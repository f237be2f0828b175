import json

import pytest

from t5gemma_app.checkpoints.memory import estimate_memory
from t5gemma_app.cli.main import main
from t5gemma_app.errors import PlacementError

from .conftest import TINY

CONTRACT = ["name", "source", "family", "objective", "stage", "head", "labels", "parameters", "access"]


def listed(build, capsys, *flags: str) -> list[dict]:
    assert main(["models", "list", "--json", *flags], build) == 0
    return json.loads(capsys.readouterr().out)


def test_the_list_has_the_promised_fields(build, capsys) -> None:
    tiny, unread, gated = listed(build, capsys)
    assert list(tiny) == list(unread) == CONTRACT
    assert list(tiny["parameters"]) == ["encoder", "decoder", "cross_attention", "embeddings", "total"]
    assert tiny["parameters"]["total"] == sum(list(tiny["parameters"].values())[:-1])
    assert unread["parameters"] is None
    assert (tiny["access"], gated["access"]) == ("ready", "offline")


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        (["--size", "S"], ["tiny", "gated"]),
        (["--size", "b-s"], ["tiny"]),
        (["--stage", "pretrained"], ["gated"]),
        (["--objective", "UL2", "--size", "l"], ["gated"]),
        (["--objective", "unknown"], ["someone/unread"]),
        (["--objective", "unknown", "--size", "b"], []),
    ],
)
def test_filters_narrow_the_list(build, capsys, flags, names) -> None:
    assert [entry["name"] for entry in listed(build, capsys, *flags)] == names


def test_a_filter_that_matches_nothing_names_what_there_is(build, capsys) -> None:
    assert main(["models", "list", "--size", "xxl"], build) == 2
    assert "b-s" in capsys.readouterr().err


def test_the_human_list_is_an_aligned_table(build, capsys) -> None:
    assert main(["models", "list"], build) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 3
    column = header.index("access")
    assert [row[column:] for row in rows] == ["ready", "offline", "offline"]
    assert all(row[column - 1] == " " for row in rows)


def shown(build, capsys, *argv: str) -> dict:
    assert main(["models", "show", *argv, "--json"], build) == 0
    return json.loads(capsys.readouterr().out)


def test_show_tells_sizes_memory_access_and_placement_with_reasons(build, capsys) -> None:
    document = shown(build, capsys, "tiny", "--prompt-tokens", "10", "--answer-tokens", "20", "--batch", "3")
    assert set(CONTRACT) <= set(document)
    assert document["encoder"]["hidden"] == 64
    estimate = estimate_memory(TINY, "bfloat16", 10, 20, 3, "cpu")
    memory = document["memory"]["bfloat16"]
    assert memory["total"] == estimate.total
    assert sum(size for part, size in memory.items() if part != "total") == memory["total"]
    assert set(document["memory"]) == {"float32", "bfloat16", "float16"}
    assert [reason["subject"] for reason in document["placement"]["reasons"]] == ["device", "dtype", "attention"]
    assert document["access"] == "ready"
    assert list(shown(build, capsys, "tiny", "--dtype", "float16")["memory"]) == ["float16"]


def test_show_works_before_a_configuration_was_read(build, capsys) -> None:
    document = shown(build, capsys, "someone/unread")
    assert document["memory"] == {}
    assert document["encoder"] is None
    assert document["access"] == "offline"
    assert main(["models", "show", "someone/unread"], build) == 0
    assert "known after" in capsys.readouterr().out


def test_show_for_people_has_the_same_numbers(build, capsys) -> None:
    assert main(["models", "show", "tiny"], build) == 0
    page = capsys.readouterr().out
    assert f"{TINY.parameters.total:,}" in page
    for word in ("cross-attention", "bfloat16", "self cache", "1,024 tokens in", "attention sdpa: ", "Ready."):
        assert word in page


def test_a_refused_placement_is_told_not_raised(build, engine, capsys) -> None:
    def refuse(checkpoint):
        raise PlacementError("The device 'tpu' is not here.")

    engine.place = refuse
    document = shown(build, capsys, "tiny")
    assert document["placement"] is None
    assert "tpu" in document["placement_refused"]


def test_bad_lengths_and_names_are_bad_input(build, capsys) -> None:
    assert main(["models", "show", "tiny", "--batch", "0"], build) == 2
    assert "--batch is 0" in capsys.readouterr().err
    assert main(["models", "show", "tiiny"], build) == 2
    assert "tiny" in capsys.readouterr().err
