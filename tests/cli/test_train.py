from pathlib import Path

from t5gemma_app.cli.main import main, parser
from t5gemma_app.cli.train import order_from
from t5gemma_app.training.demo.recipe import Order


def test_flags_that_are_not_given_leave_the_recipe_as_it_is() -> None:
    assert order_from(parser().parse_args(["train", "demo"])) == Order()
    given = parser().parse_args(["train", "demo", "--output", "o", "--state", "s", "--steps", "3", "--seed", "0"])
    assert order_from(given) == Order(output=Path("o"), state=Path("s"), steps=3, seed=0)


def test_folders_that_are_not_there_are_bad_input(build, capsys, tmp_path) -> None:
    missing = str(tmp_path / "missing")
    for flags in (["--data", missing, "--state", str(tmp_path / "state")], ["--measure", missing]):
        assert main(["train", "demo", *flags], build) == 2
        assert "missing" in capsys.readouterr().err
    assert list(tmp_path.glob("state*")) == []
