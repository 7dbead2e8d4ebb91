"""`monitoring.accuracy`, and what a model has in its place."""

import pytest

from slipway.config.project import parse_config
from slipway.errors import ConfigError
from slipway.monitoring.accuracy.limits import AccuracyLimits

TEXT = """
project: demo
monitoring: {{accuracy: {{false_alarms: 0.02, wait_hours: 48}}}}
models:
  m:
    versions: [1]
    stable: 1
    gates: {{quality: [{{metric: accuracy, max_drop: 0.03}}]}}
    monitoring: {{accuracy: {{{model}}}}}
  other: {{versions: [1], stable: 1}}
"""


def test_a_model_has_the_projects_settings_but_for_its_own() -> None:
    config = parse_config(TEXT.format(model="labels: representative, wait_hours: 0"))
    assert AccuracyLimits.of(config, "m") == AccuracyLimits(0.03, 0.02, representative=True, wait_hours=0, width=0.02)
    assert AccuracyLimits.of(config, "other") == AccuracyLimits(0.05, 0.02, wait_hours=48)


def test_a_drop_of_its_own_comes_before_that_of_its_gate() -> None:
    assert AccuracyLimits.of(parse_config(TEXT.format(model="max_drop: 0.1")), "m").max_drop == 0.1


@pytest.mark.parametrize(
    ("model", "field"),
    [
        ("max_drop: 1", "models.m.monitoring.accuracy.max_drop"),
        ("labels: some", "models.m.monitoring.accuracy.labels"),
        ("wait: 3", "models.m.monitoring.accuracy.wait"),
    ],
)
def test_what_cannot_be_is_refused_by_name(model: str, field: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_config(TEXT.format(model=model))
    assert [problem.field for problem in error.value.problems] == [field]
