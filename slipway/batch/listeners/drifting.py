"""How far the rows of a job are from the baseline of the version that scored them."""

from math import log

from slipway.config.drift import DriftConfig
from slipway.models.package import Package
from slipway.monitoring.drift.findings import ColumnDrift
from slipway.monitoring.drift.report import lines_of_window
from slipway.monitoring.profiles.bins import bins_of
from slipway.monitoring.profiles.profile import Profile


def moved_columns(profile: Profile, package: Package, config: DriftConfig) -> list[ColumnDrift]:
    """The columns whose effect is at least that of `monitoring.drift.effect`, beyond chance, the largest first.

    This looks at one job once. It is no test over time, as the monitor's is, and sets off no alarm.
    """
    bins = bins_of(package.manifest, package.baseline)
    lines = lines_of_window(bins, profile, config, records=package.baseline.records, references={})
    return [line.drift for line in lines if not line.ignored and _beyond_chance(line.drift) >= config.effect**2]


def _beyond_chance(drift: ColumnDrift) -> float:
    """The divergence without twice what the same number of records from the baseline would have on average.

    Of ``n`` records over ``k`` cells, 8 n ln 2 times the divergence is about chi-square with k - 1 degrees of freedom
    (Grosse et al., "Analysis of symbolic sequences using the Jensen-Shannon divergence", 2002).
    """
    by_chance = (len(drift.cells) - 1) / (8 * max(drift.records, 1) * log(2))
    return drift.effect**2 - 2 * by_chance
