"""The part of slipway.yaml on the accuracy of what is served: when it has fallen, and how well it is to be known."""

from typing import Annotated, Literal

from pydantic import Field

from slipway.config.releases.gates import GatesConfig, metric_name
from slipway.config.validation import Section

DEFAULT_DROP = 0.05


Drop = Annotated[float, Field(gt=0, lt=1)]
BelowHalf = Annotated[float, Field(gt=0, lt=0.5)]
Labels = Literal["selective", "representative"]
WaitHours = Annotated[int, Field(ge=0, le=24 * 90)]


class AccuracyConfig(Section):
    """When accuracy has fallen too far below that on the validation records, and how labels are taken.

    ``max_drop`` is that of the model's gate on accuracy by default, else 0.05. ``false_alarms`` bounds the chance of
    ever raising one alarm without a fall, over all looks. ``labels`` says how labels of feedback come: ``selective``
    ones may be of bad predictions above all, so that a prediction without one counts as right; ``representative`` ones
    have nothing to do with whether the prediction is right. ``wait_hours`` is how long an hour's labels are waited for,
    and ``width`` the half-width of the interval for which the number of labels still needed is said.
    """

    max_drop: Drop | None = None
    false_alarms: BelowHalf = 0.01
    labels: Labels = "selective"
    wait_hours: WaitHours = 24
    width: BelowHalf = 0.02

    def allowed_drop(self, gates: GatesConfig) -> float:
        """The drop that is allowed: the configured one, that of the gate on accuracy, or the default."""
        if self.max_drop is not None:
            return self.max_drop
        drops = [gate.max_drop for gate in gates.quality if metric_name(gate.metric) == "accuracy" and gate.max_drop]
        return min(drops, default=DEFAULT_DROP)


class AccuracyOverrides(Section):
    """What one model has other than the rest; a value that is not set is the project's."""

    max_drop: Drop | None = None
    false_alarms: BelowHalf | None = None
    labels: Labels | None = None
    wait_hours: WaitHours | None = None
    width: BelowHalf | None = None


def accuracy_of(project: AccuracyConfig, model: AccuracyOverrides) -> AccuracyConfig:
    """The settings of one model."""
    return AccuracyConfig.model_validate({**project.model_dump(), **model.model_dump(exclude_none=True)})
