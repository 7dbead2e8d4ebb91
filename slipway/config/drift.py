"""The part of slipway.yaml on drift: how much of it matters, and how often an alarm may be false."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from slipway.config.validation import Section

ColumnName = Annotated[str, StringConstraints(pattern=r"^(inputs|outputs)\.\S+$")]
Hours = Annotated[int, Field(ge=1, le=720)]
Chance = Annotated[float, Field(gt=0, le=0.5)]


class DriftConfig(Section):
    """When an input or output has drifted: its effect in the window is large enough, and the test has found it.

    ``effect`` is a Jensen–Shannon distance to base 2. ``margin`` is how far the mean share of some cells may be above
    the baseline's before that is evidence. The probability of a false alarm, of all columns and at all looks together,
    is at most ``false_alarms`` a year. Records within ``unit_hours`` may depend on each other; 0 says that none do.
    Hours of the same ``cycle_hours``, such as a day, may differ. ``ignore`` names columns that may move as they like.
    """

    effect: Annotated[float, Field(gt=0, lt=1)] = 0.05
    false_alarms: Chance = 0.01
    margin: Annotated[float, Field(gt=0, lt=0.5)] = 0.01
    window_hours: Hours = 24
    unit_hours: Annotated[int, Field(ge=0, le=24)] = 1
    cycle_hours: Hours = 24
    ignore: tuple[ColumnName, ...] = ()

    @model_validator(mode="after")
    def _units_fill_cycles(self) -> Self:
        if self.unit_hours and self.cycle_hours % self.unit_hours:
            raise ValueError(f"`cycle_hours: {self.cycle_hours}` is no multiple of `unit_hours: {self.unit_hours}`")
        if self.window_hours < self.unit_hours:
            raise ValueError(f"`window_hours: {self.window_hours}` is less than `unit_hours: {self.unit_hours}`")
        return self


class DriftOverrides(Section):
    """What one model has other than the rest; a value that is not set is the project's."""

    effect: Annotated[float, Field(gt=0, lt=1)] | None = None
    false_alarms: Chance | None = None
    margin: Annotated[float, Field(gt=0, lt=0.5)] | None = None
    window_hours: Hours | None = None
    unit_hours: Annotated[int, Field(ge=0, le=24)] | None = None
    cycle_hours: Hours | None = None
    ignore: tuple[ColumnName, ...] = ()


def drift_of(project: DriftConfig, model: DriftOverrides) -> DriftConfig:
    """The settings of one model; its ignored columns are added to the project's. Raises pydantic's ValidationError."""
    own = model.model_dump(exclude_none=True, exclude={"ignore"})
    return DriftConfig.model_validate(
        {**project.model_dump(), **own, "ignore": tuple(dict.fromkeys([*project.ignore, *model.ignore]))}
    )
