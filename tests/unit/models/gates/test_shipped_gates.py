"""The shipped packages pass the shipped gates, as far as a clone without the data can check."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from slipway.cli.model.gate_report import print_check
from slipway.config import load_local
from slipway.models.gates.measure import size_of
from slipway.models.gates.rules import Check, Figure, GateResult, Measured, judge_package
from slipway.models.package import load_package

ROOT = Path(__file__).parents[4]
CONFIG = load_local(ROOT / "slipway.yaml")


def stated(name: str, version: int) -> Measured:
    """The figures of a shipped manifest, with zero latency so that the machine's speed does not matter."""
    package = load_package(CONFIG.model_folder(ROOT, name) / str(version))
    figures = tuple(Figure(item.metric, item.value, item.data) for item in package.manifest.quality)
    return Measured(f"version {version}", figures, size_of(package), latency_ms=0.0)


@pytest.mark.parametrize("name", [name for name, model in CONFIG.light_models.items() if model.gates.asked])
def test_each_shipped_version_passes_against_the_one_before(name: str) -> None:
    before = None
    for version in sorted(CONFIG.models[name].versions):
        measured = stated(name, version)
        failed = [result for result in judge_package(CONFIG.models[name].gates, measured, before) if not result.passed]
        assert not failed
        before = measured


def test_the_gates_of_tweet_sentiment_refuse_a_worse_and_a_larger_version() -> None:
    measured = stated("tweet-sentiment", 2)
    worse = replace(
        measured,
        figures=tuple(replace(figure, value=figure.value - 0.02) for figure in measured.figures),
        size_bytes=4_000_001,
        latency_ms=0.4,
    )
    results = judge_package(CONFIG.models["tweet-sentiment"].gates, worse, measured)
    assert {result.name for result in results if not result.passed} == {
        "macro recall max_drop",
        "package bytes",
        "latency ms",
    }


def test_a_check_without_labelled_records_says_what_it_did_not_check() -> None:
    written = io.StringIO()
    check = Check((GateResult("package bytes", "small enough", passed=True),))
    print_check(Console(file=written, width=400), "tweet-sentiment 2", check)
    assert "Quality was not measured" in written.getvalue()
