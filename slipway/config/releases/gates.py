"""The part of slipway.yaml on the gates that a package must pass to become a version."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, FiniteFloat, StringConstraints, model_validator

from slipway.config.validation import Section


class QualityGate(Section):
    """The threshold that one quality metric must meet.

    ``data`` names the data set; by default it is the one given to the check, else the manifest's only one.
    ``max_drop`` is how much worse than the previous version a version may be, in the metric's own unit.
    """

    metric: Annotated[str, StringConstraints(min_length=1)]
    data: str | None = None
    min: FiniteFloat | None = None
    max: FiniteFloat | None = None
    max_drop: Annotated[FiniteFloat, Field(ge=0)] | None = None

    @property
    def lower_is_better(self) -> bool:
        """Whether the metric measures error."""
        name = metric_name(self.metric)
        return name in _LOWER_IS_BETTER or name.startswith(_ERRORS_OF_TARGETS)

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if self.min is None and self.max is None and self.max_drop is None:
            raise ValueError(f"the gate on {self.metric} needs `min`, `max` or `max_drop`")
        wrong = "min" if self.lower_is_better else "max"
        if getattr(self, wrong) is not None:
            better = "lower" if self.lower_is_better else "higher"
            raise ValueError(f"a {better} {self.metric} is better, so `{wrong}` would reject good models, not bad ones")
        return self


_LOWER_IS_BETTER = frozenset({"log_loss", "mae", "mse", "rmse"})
# A regression with several targets has a figure for each, e.g. rmse_width.
_ERRORS_OF_TARGETS = ("mae_", "mse_", "rmse_")
_SAME_METRIC = {"balanced_accuracy": "macro_recall", "r_squared": "r2"}


def metric_name(metric: str) -> str:
    """The canonical name of a metric: ``Log loss`` is ``log_loss``, balanced accuracy is ``macro_recall``."""
    name = re.sub(r"[\s-]+", "_", metric.strip().lower())
    return _SAME_METRIC.get(name, name)


class GatesConfig(Section):
    """The gates that a package must pass to be registered as a version; a gate that is not set is not checked.

    ``labelled`` is the file of labelled records to check with, relative to slipway.yaml. With ``golden: required``, a
    package without golden records is refused wherever it is checked or loaded; a check only warns by default.
    """

    labelled: str | None = None
    golden: Literal["warn", "required"] = "warn"
    quality: tuple[QualityGate, ...] = ()
    min_agreement: Annotated[float, Field(ge=0, le=1)] | None = None
    max_package_bytes: Annotated[int, Field(ge=1)] | None = None
    max_latency_ratio: Annotated[FiniteFloat, Field(gt=0)] | None = None
    max_latency_ms: Annotated[FiniteFloat, Field(gt=0)] | None = None

    @property
    def asked(self) -> bool:
        """Whether any gate is set."""
        limits = (self.min_agreement, self.max_package_bytes, self.max_latency_ratio, self.max_latency_ms)
        return self.requires_golden or bool(self.quality) or any(limit is not None for limit in limits)

    @property
    def requires_golden(self) -> bool:
        """Whether a package without golden records is refused."""
        return self.golden == "required"
