"""The outputs that releases compare: a classifier's labels, or a regression's values above some limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from slipway.models.measurements.baseline import Numbers
from slipway.models.package import Package

_FEW_EDGES = 4
# Each target has eight rows in a record of at most 400 KB.
_MOST_TARGETS = 20


@dataclass(frozen=True, slots=True)
class Outputs:
    """The labels, or the limits above which values are counted, by target if there are several; else all are empty."""

    labels: tuple[str, ...] = ()
    value_limits: tuple[float, ...] = ()
    target_limits: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, package: Package) -> "Outputs":
        """Read them from the stable version's package; a regression's limits are quantiles of its baseline.

        Raises:
            PackageError: the baseline cannot be read.
        """
        labels = package.manifest.outputs.labels
        if labels is not None:
            return cls(labels=tuple(labels))
        known = package.baseline.outputs
        targets = list((known.values or {}).items())[:_MOST_TARGETS]
        by_target = {name: limits for name, numbers in targets if (limits := _limits(numbers))}
        return cls(value_limits=_limits(known.value), target_limits=by_target)


def _limits(numbers: Numbers | None) -> tuple[float, ...]:
    edges = numbers.edges if numbers else ()
    # Take every second decile, 20 % to 80 %: the outer deciles leave no room for a margin.
    return tuple(edges[1::2] if len(edges) > _FEW_EDGES else edges)
