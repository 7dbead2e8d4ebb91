"""`monitoring.drift`, and what a model has in its place."""

import pytest

from slipway.config.project import parse_config
from slipway.errors import ConfigError

TEXT = """
project: demo
monitoring: {{drift: {{effect: 0.1, ignore: [inputs.day]}}}}
models:
  m:
    versions: [1]
    stable: 1
    monitoring: {{drift: {{{model}}}}}
"""


def test_a_model_has_the_projects_settings_but_for_its_own() -> None:
    config = parse_config(TEXT.format(model="window_hours: 48, ignore: [inputs.weekday]"))
    found = config.drift_of("m")
    assert (found.effect, found.window_hours, found.false_alarms) == (0.1, 48, 0.01)
    assert found.ignore == ("inputs.day", "inputs.weekday")


@pytest.mark.parametrize(
    ("model", "field"),
    [
        ("cycle_hours: 25, unit_hours: 2", "monitoring"),
        ("false_alarms: 0", "models.m.monitoring.drift.false_alarms"),
        ("ignore: [weekday]", "models.m.monitoring.drift.ignore[0]"),
        ("windw_hours: 3", "models.m.monitoring.drift.windw_hours"),
    ],
)
def test_what_cannot_be_is_refused_by_name(model: str, field: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_config(TEXT.format(model=model))
    assert [problem.field for problem in error.value.problems] == [field]


def test_units_fill_cycles_and_fit_the_window() -> None:
    for wrong in ("unit_hours: 5", "unit_hours: 12, window_hours: 6"):
        with pytest.raises(ConfigError, match="unit_hours"):
            parse_config(TEXT.format(model=wrong))
