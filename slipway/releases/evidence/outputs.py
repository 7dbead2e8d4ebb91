"""The outputs that releases compare: a classifier's labels, or a regression's values above some limits."""

from dataclasses import dataclass

from slipway.models.package import Package

_FEW_EDGES = 4


@dataclass(frozen=True, slots=True)
class Outputs:
    """The labels, or the limits above which values are counted; both empty if the model has neither."""

    labels: tuple[str, ...] = ()
    value_limits: tuple[float, ...] = ()

    @classmethod
    def of(cls, package: Package) -> "Outputs":
        """Read them from the stable version's package; a regression's limits are quantiles of its baseline.

        Raises:
            PackageError: the baseline cannot be read.
        """
        labels = package.manifest.outputs.labels
        if labels is not None:
            return cls(labels=tuple(labels))
        value = package.baseline.outputs.value
        edges = value.edges if value else ()
        # Take every second decile, 20 % to 80 %: the outer deciles leave no room for a margin.
        return cls(value_limits=tuple(edges[1::2] if len(edges) > _FEW_EDGES else edges))
