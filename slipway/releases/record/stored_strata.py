"""A bandit's sums over periods, as the release record stores them; their size does not grow with time."""

from dataclasses import fields

import numpy as np

from slipway.releases.record.phases import Stored
from slipway.releases.statistics.strata import Strata


class StoredStrata(Stored):
    """A `Strata`: each of its sums with a number for each arm, the stable version's first."""

    n: tuple[float, ...]
    total: tuple[float, ...]
    outcomes: tuple[float, ...]
    rewards: tuple[float, ...]
    weight: tuple[float, ...]
    weighted: tuple[float, ...]
    spread: tuple[float, ...]
    spread_weighted: tuple[float, ...]

    @classmethod
    def of(cls, strata: Strata) -> "StoredStrata":
        """Convert for storage."""
        return cls.model_validate({each.name: getattr(strata, each.name).tolist() for each in fields(Strata)})

    def unpacked(self) -> Strata:
        """Convert back to arrays."""
        return Strata(*(np.array(getattr(self, each.name), dtype=float) for each in fields(Strata)))
