"""`slipway monitor profile`: a file over the bins of a version, as a table and as JSON."""

import json
from pathlib import Path

import pytest
from support.packages import make_regression_package, make_text_package
from typer.testing import CliRunner

from slipway.cli import app
from slipway.cli.deployed import Deployed
from slipway.cli.monitor.profile_report import picture
from slipway.errors import InputError, NotFoundError, SlipwayError, UnavailableError
from slipway.monitoring.profiles.profile import load_profile

CONFIG = """
models:
  tiny-price: {versions: [1, 2], stable: 1}
  tiny-sentiment: {versions: [1], stable: 1}
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    for version in (1, 2):
        make_regression_package(tmp_path / "models" / "tiny-price" / str(version), version=version)
    make_text_package(tmp_path / "models" / "tiny-sentiment" / "1")
    (tmp_path / "homes.csv").write_text("rooms,area\n1,\n2,2\n400,1\n", encoding="utf-8")
    (tmp_path / "texts.jsonl").write_text('{"text": "good day"}\n{\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["monitor", "profile", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_each_column_has_a_picture_beside_the_baselines() -> None:
    lines = run("homes.csv", "--model", "tiny-price").splitlines()
    assert lines[0] == "homes.csv: 3 records over the bins of tiny-price 1"
    assert lines[1].split() == ["column", "baseline", "file", "missing", "outside"]
    assert [line.split()[0] for line in lines[2:]] == ["rooms", "area"]
    assert lines[2].rstrip().endswith("33.3 %")
    assert "█" in lines[2]


def test_what_is_left_out_is_said() -> None:
    (Path("rooms.csv")).write_text("rooms\n1\n", encoding="utf-8")
    assert "no column for area" in run("rooms.csv", "--model", "tiny-price")
    assert "1 record cannot be read" in run("texts.jsonl", "--model", "tiny-sentiment")


def test_json_is_the_profile_and_may_be_written_to_a_file(tmp_path: Path) -> None:
    printed = load_profile(run("homes.csv", "--model", "tiny-price", "--version", "2", "--json"))
    run("homes.csv", "--model", "tiny-price", "--version", "2", "-o", "profile.json")
    written = load_profile((tmp_path / "profile.json").read_bytes())
    assert printed == written
    assert (printed.model, printed.version, printed.records) == ("tiny-price", 2, 3)
    assert json.loads((tmp_path / "profile.json").read_text())["counts"]["inputs.area"][-1] == 1


def test_mistakes_are_named() -> None:
    with pytest.raises(NotFoundError, match="tiny-prise"):
        run("homes.csv", "--model", "tiny-prise")
    with pytest.raises(InputError, match="none of the model's inputs: text"):
        run("homes.csv", "--model", "tiny-sentiment")


@pytest.mark.parametrize(
    "error", [NotFoundError("deployed stack", "demo-serving"), UnavailableError("Slipway", "AWS cannot be asked")]
)
def test_a_version_that_is_not_here_is_named_where_no_registry_answers(
    monkeypatch: pytest.MonkeyPatch, error: SlipwayError
) -> None:
    def nothing(_: str) -> Deployed:
        raise error

    monkeypatch.setattr("slipway.cli.monitor.drift_source.find_deployed", nothing)
    with pytest.raises(type(error), match="models/tiny-price/3") as raised:
        run("homes.csv", "--model", "tiny-price", "--version", "3")
    assert str(error).removeprefix("Slipway is unavailable: ") in str(raised.value)


@pytest.mark.parametrize(
    ("shares", "drawn"),
    [
        ((0, 0.5, 1.0), " ▄█"),
        ((0.001, 0, 1.0), "▁ █"),
        ((0,) * 3, "   "),
        (tuple(range(33)), "▁▁▂▃▄▄▅▆▆▇█"),
    ],
)
def test_a_picture_has_a_bar_for_each_cell_or_each_few(shares: tuple[float, ...], drawn: str) -> None:
    assert picture(shares, max(shares)) == drawn
