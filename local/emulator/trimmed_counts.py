"""CloudWatch's statistic `TC(limit:)`, the number of values above a limit, which MiniStack lacks.

Releases use it to count latencies above a limit.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ministack.services import cloudwatch

_ABOVE = re.compile(r"TC\(([0-9.]+):\)")


def install() -> None:
    """Add the statistic to this process's MiniStack."""
    others = cloudwatch._stat_value

    def value(stats: Mapping[str, Any], name: str, points: Sequence[Any] | None = None) -> Any:
        above = _ABOVE.fullmatch(name or "")
        if above is None:
            return others(stats, name, points)
        samples = cloudwatch._percentile_samples(points or []) or []
        return sum(count for measured, count in samples if measured > float(above[1]))

    cloudwatch._stat_value = value
