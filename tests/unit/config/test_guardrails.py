"""Metrics of the user's own in slipway.yaml, and the errors of invalid ones."""

from typing import Any

import pytest

from slipway.config import parse_config
from slipway.config.releases.guardrails import GuardrailMetric
from slipway.errors import ConfigError

OWN = {"namespace": "Shop", "metric": "Declined", "dimensions": {"Version": "{version}"}, "margin": 0.02}


def metrics_of(metrics: dict[str, Any]) -> dict[str, GuardrailMetric]:
    document = f"models:\n  m: {{versions: [1], stable: 1, release: {{judge: {{metrics: {metrics}}}}}}}\n"
    return parse_config(document).models["m"].release.judge.metrics


def problem_of(name: str = "declined", **changes: Any) -> tuple[str, str]:
    with pytest.raises(ConfigError) as caught:
        metrics_of({name: {**OWN, **changes}})
    (problem,) = caught.value.problems
    return problem.field, problem.message


def test_the_placeholder_becomes_the_version() -> None:
    named = {"Model": "checkout", "Variant": "v{version}"}
    metric = metrics_of({"declined": {**OWN, "dimensions": named}})["declined"]
    assert metric.dimensions_of(12) == (("Model", "checkout"), ("Variant", "v12"))
    assert (metric.bad, metric.limit, metric.proven, metric.enabled) == ("high", None, False, True)


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"dimensions": {"Version": "{Version}"}}, "", "must have {version} in a value"),
        ({"dimensions": {"Model": "m"}}, "", "the versions have one metric together"),
        ({"dimensions": {}}, ".dimensions", "at least 1"),
        ({"dimensions": {f"D{number}": "{version}" for number in range(31)}}, ".dimensions", "at most 30"),
        ({"dimensions": {"Version": "{version}" + "x" * 1020}}, ".dimensions.Version", "at most 1024 characters"),
        ({"dimensions": {"Version": "{version} é"}}, ".dimensions.Version", "printable ASCII"),
        ({"namespace": ":Shop"}, ".namespace", "must match"),
        ({"namespace": "Shop?"}, ".namespace", "must match"),
        ({"metric": ""}, ".metric", "at least 1 character"),
        ({"metric": " "}, ".metric", "not blank"),
        ({"metric": "x" * 256}, ".metric", "at most 255 characters"),
        ({"margin": 0}, ".margin", "must be more than 0"),
        ({"limit": -1}, ".limit", "must be at least 0"),
        ({"bad": "middle"}, ".bad", "must be one of 'high' or 'low'"),
        ({"statistic": "Sum"}, ".statistic", "is not a known field"),
    ],
)
def test_an_impossible_metric_is_refused_by_field(changes: dict[str, Any], field: str, said: str) -> None:
    found, message = problem_of(**changes)
    assert found == f"models.m.release.judge.metrics.declined{field}"
    assert said in message


@pytest.mark.parametrize(("name", "said"), [("errors", "choose another name"), ("Declined!", "must match")])
def test_a_name_is_new_and_plain(name: str, said: str) -> None:
    field, message = problem_of(name)
    assert field.startswith("models.m.release.judge.metrics")
    assert said in message


def test_there_are_at_most_twenty() -> None:
    with pytest.raises(ConfigError, match="at most 20 items"):
        metrics_of({f"m{number}": OWN for number in range(21)})
