import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from slipway.cli import app
from slipway.errors import InputError, NotFoundError

QUICK = ("--runs", "3", "--hours", "0.2", "--config", "none.yaml")


def invoke(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["release", "simulate", *arguments, *QUICK], env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_table_and_the_document_say_the_same() -> None:
    shown, document = invoke("errors", "broken"), json.loads(invoke("errors", "broken", "--json"))
    assert [each["name"] for each in document] == ["errors", "broken"]
    assert document[1]["rolled_back"] == 1.0
    assert "broken: fails everything" in shown
    assert "seed 0" in shown
    assert {each["seed"] for each in document} == {0}
    assert f"{document[1]['harmed_per_1000']:.2f}" in shown


@pytest.mark.parametrize("strategy", ["canary", "shadow", "ab", "bandit", "interleave"])
def test_every_table_fits_eighty_columns_with_nothing_cut_off(strategy: str) -> None:
    arguments = ["release", "simulate", "--strategy", strategy, "--runs", "2", "--hours", "0.1", "--rps", "300"]
    result = CliRunner().invoke(app, [*arguments, "--config", "none.yaml"], env={"COLUMNS": "80"})
    assert result.exit_code == 0, result.output
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "…" not in result.stdout
    assert "latency-noise" in result.stdout


def test_the_stable_version_may_be_described() -> None:
    stable = ("--stable-errors", "0.02", "--stable-p50", "300", "--stable-p99", "900", "--json")
    found = json.loads(invoke("errors", *stable))[0]
    assert found["what"] == "fails 6.9 %, stable 2 %"
    own = json.loads(invoke("--strategy", "bandit", "--stable-reward", "0.4", "--reward", "0.3", "--json"))[0]
    assert own["lost_equal_per_1000"] == pytest.approx(50)


def test_a_candidate_of_ones_own_may_be_described() -> None:
    document = json.loads(invoke("--errors", "0.3", "--slower", "1.1", "--strategy", "blue-green", "--json"))
    assert [(each["name"], each["what"]) for each in document] == [("yours", "errors 0.3, slower 1.1")]


@pytest.mark.parametrize(
    ("strategy", "scenario", "column", "key"),
    [
        ("ab", "better", "covers", "right"),
        ("bandit", "late", "equal", "lost_per_1000"),
        ("interleave", "half", "impres-", "no_winner"),
        ("shadow", "shifted", "agrees", "undecided"),
        ("linear", "quiet", "harmed of", "rolled_back"),
        ("all-at-once", "slow", "promoted", "promoted"),
    ],
)
def test_every_strategy_has_its_scenarios_and_figures(
    strategy: str, scenario: str, column: str, key: str, tmp_path: Path
) -> None:
    plot = str(tmp_path / "runs.svg")
    assert column in invoke(scenario, "--strategy", strategy, "--plot", plot)
    assert key in json.loads(invoke(scenario, "--strategy", strategy, "--json"))[0]
    assert Path(plot).stat().st_size > 1000


def test_an_experiment_of_ones_own_knows_who_is_better() -> None:
    quick = ("--strategy", "ab", "-o", "baseline=0.1", "-o", "effect=0.2", "--rps", "20", "--arms", "3", "--json")
    better, worse = (json.loads(invoke("--reward", reward, *quick))[0] for reward in ("0.5", "0.01"))
    assert (better["right"], better["wrong"], worse["wrong"]) == (1.0, 0.0, 0.0)


def test_the_plot_is_written(tmp_path: Path) -> None:
    invoke("broken", "--plot", str(tmp_path / "runs.svg"))
    assert "<svg" in (tmp_path / "runs.svg").read_text(encoding="utf-8")


def test_what_is_unknown_is_named() -> None:
    with pytest.raises(NotFoundError, match="no scenario of canary 'x'"):
        invoke("x")
    with pytest.raises(InputError, match="'nothing' is none of all-at-once, blue-green, "):
        invoke("--strategy", "nothing")
    with pytest.raises(InputError, match="sample: is no option here; there is strategy, share"):
        invoke("-o", "sample=0.1")
    with pytest.raises(InputError, match="'share' must be NAME=VALUE"):
        invoke("-o", "share")
    with pytest.raises(InputError, match="errors and --slower cannot be combined"):
        invoke("errors", "--slower", "2")
    with pytest.raises(InputError, match="--preferred: canary has no impressions"):
        invoke("--preferred", "0.6")
    with pytest.raises(InputError, match="--wrong: a shadow's answers are not shown"):
        invoke("--strategy", "shadow", "--wrong", "0.4")
    with pytest.raises(InputError, match="--arms: interleave has one candidate"):
        invoke("--strategy", "interleave", "--arms", "3")
    with pytest.raises(InputError, match="--stable-p99: 10 ms is less than the median, 20 ms"):
        invoke("--stable-p99", "10")
    with pytest.raises(InputError, match="baseline: an A/B test's baseline is the stable version's mean"):
        invoke("--strategy", "ab", "--stable-reward", "0.2")
    with pytest.raises(InputError, match="must end in one of"):
        invoke("--plot", "runs.txt")


def test_a_models_release_is_taken_from_slipway_yaml(tmp_path: Path) -> None:
    path = tmp_path / "slipway.yaml"
    path.write_text("models: {m: {versions: [1], stable: 1, release: {canary: {share: 0.5}}}}", encoding="utf-8")
    result = CliRunner().invoke(
        app, ["release", "simulate", "broken", "--model", "m", "--config", str(path), "--json", *QUICK[:4]]
    )
    assert json.loads(result.stdout)[0]["harmed_per_1000"] > 400
