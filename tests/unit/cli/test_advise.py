import json
import math
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from slipway.cli import app
from slipway.cli.quantities import byte_count, milliseconds
from slipway.errors import ConfigError, InputError, NotFoundError
from slipway.models.package import Package

QUICK = ("--seconds", "0.02")
CONFIG = """
models: {tiny-sentiment: {versions: [1], stable: 1, capture: {sample: 1.0}}}
light: {memory_mb: 1024}
"""


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["model", "advise", *arguments, *QUICK], env={"COLUMNS": "160"})


@pytest.fixture
def config(text_package: Package) -> str:
    path = text_package.folder.parents[2] / "slipway.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return str(path)


def test_the_answer_as_json_adds_up(text_package: Package, config: str) -> None:
    result = invoke("tiny-sentiment:1", "--config", config, "--rps", "50", "--payload", "1kB", "--json")
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert (answer["model"], answer["version"], answer["region"]) == ("tiny-sentiment", 1, "us-east-1")
    assert answer["workload"]["request_bytes"] == 1000
    assert answer["given"]["lambda_memory_mb"] == 1024
    assert [offer["option"] for offer in answer["offers"]] == ["light", "fargate", "gpu"]
    for offer in answer["offers"]:
        assert all(math.isclose(line["amount"], line["quantity"] * line["price"]) for line in offer["lines"])
        assert offer["monthly"] == pytest.approx(sum(line["amount"] for line in offer["lines"]))
    assert answer["take"] == min((o for o in answer["offers"] if o["meets"]), key=lambda o: o["monthly"])["option"]
    assert answer["over_traffic"][0]["low"] == 0.001
    assert answer["over_traffic"][-1]["high"] == 1000


def test_captures_are_in_the_logs(text_package: Package, config: str) -> None:
    def logged(*arguments: str) -> int:
        return int(json.loads(invoke(*arguments, "--rps", "1", "--json").stdout)["workload"]["log_bytes"])

    captured = logged("tiny-sentiment", "--config", config)
    alone = logged(str(text_package.folder), "--config", str(text_package.folder / "no.yaml"))
    assert 700 < alone < captured < alone + 1000


def test_a_folder_needs_no_configuration_and_the_tables_show_the_arithmetic(text_package: Package) -> None:
    result = invoke(str(text_package.folder), "--rps", "50", "--config", "none.yaml")
    assert result.exit_code == 0, result.output
    for part in ("50/s × 2,628,000 s", "131.40 M", "$131.40", "Take light: Lambda", "Prices of 2026", "0.01535"):
        assert part in result.stdout


def test_the_plot_is_written(text_package: Package, tmp_path: Path) -> None:
    path = tmp_path / "cost.svg"
    assert invoke(str(text_package.folder), "--rps", "5", "--plot", str(path)).exit_code == 0
    assert "<svg" in path.read_text(encoding="utf-8")


def test_records_may_be_given(text_package: Package, tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text('{"text": "good sunny"}\n', encoding="utf-8")
    answer = json.loads(invoke(str(text_package.folder), "--rps", "5", "--input", str(path), "--json").stdout)
    assert answer["workload"]["request_bytes"] == len('{"inputs": [{"text": "good sunny"}]}')


def test_what_meets_no_target_exits_with_one(text_package: Package) -> None:
    result = invoke(str(text_package.folder), "--rps", "5", "--p99", "1ms")
    assert result.exit_code == 1
    assert "No option meets 1 ms" in result.stdout


def test_a_gpu_throughput_takes_the_place_of_the_estimate(text_package: Package) -> None:
    without = json.loads(invoke(str(text_package.folder), "--rps", "5", "--json").stdout)["offers"][2]
    assert (without["possible"], without["p99_ms"]) == (False, None)
    given = json.loads(invoke(str(text_package.folder), "--rps", "5", "--gpu-throughput", "900", "--json").stdout)
    assert given["offers"][2]["possible"]


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (("--region", "mars-1"), NotFoundError, "there is us-east-1"),
        (("--p99", "100"), InputError, r"--p99: '100' must be a quantity above zero like 100ms; units are ms, s"),
        (("--payload", "1 furlong"), InputError, "--payload"),
        (("--plot", "cost.txt"), InputError, "--plot"),
        (("--prices", "none.yaml"), ConfigError, r"none\.yaml"),
    ],
)
def test_wrong_options_are_named_before_anything_is_measured(
    text_package: Package, arguments: tuple[str, ...], kind: type[Exception], message: str
) -> None:
    result = invoke(str(text_package.folder), "--rps", "5", *arguments)
    assert isinstance(result.exception, kind)
    with pytest.raises(kind, match=message):
        raise result.exception


@pytest.mark.parametrize("model", ["nothing", "tiny-sentiment:7"])
def test_an_unknown_model_is_answered_with_the_known(text_package: Package, config: str, model: str) -> None:
    result = invoke(model, "--config", config, "--rps", "5")
    assert isinstance(result.exception, NotFoundError)
    assert "there is" in str(result.exception)


def test_quantities_have_units() -> None:
    assert milliseconds("0.25s", option="x") == 250
    assert byte_count("1.5 kB", option="x") == 1500
    assert byte_count("2KiB", option="x") == 2048
    with pytest.raises(InputError):
        milliseconds("0ms", option="x")
