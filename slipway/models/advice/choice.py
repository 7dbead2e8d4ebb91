"""The cheapest offer that meets the target, and the traffic at which that changes.

Every bill is linear in the traffic between its steps (one more task) and kinks (a price tier). So between two
neighbouring ones, the bills are compared exactly by intersecting lines; nothing is sampled.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

from slipway.models.advice.bill import tier_rates
from slipway.models.advice.heavy import Unit, best_unit, fargate_units, gpu_units, heavy_offer
from slipway.models.advice.light import cold_rate, light_offer
from slipway.models.advice.prices import PriceTable
from slipway.models.advice.terms import Given, Offer, Option, Profile, Workload

# Per kind of unit. Beyond this, one more unit changes the bill by under 0.05 %, and comparing takes seconds.
_MOST_STEPS = 2_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """A range of requests per second and its cheapest option; ``option`` is None where none meets the target."""

    low: float
    high: float
    option: Option | None


@dataclass(frozen=True, slots=True)
class Advice:
    """The offers for the workload, and the cheapest option over a range of traffic."""

    workload: Workload
    offers: tuple[Offer, ...]
    stretches: tuple[Stretch, ...]

    @property
    def taken(self) -> Offer | None:
        """The cheapest offer that meets the target."""
        return cheapest(self.offers)


class Advisor:
    """Makes offers for any traffic from the measurements, the prices and the assumptions."""

    def __init__(self, profile: Profile, table: PriceTable, region: str, given: Given, *, p99_ms: float) -> None:
        """Raise NotFoundError for a region that the table does not have."""
        self._prices = table.of(region)
        self._profile = profile
        self._given = given
        self._fleets: tuple[list[Unit], ...] = (
            fargate_units(profile, self._prices, given, p99_ms=p99_ms),
            gpu_units(profile, table, self._prices, given, p99_ms=p99_ms),
        )

    def offers(self, work: Workload) -> tuple[Offer, ...]:
        """Offers of the light tier, the best Fargate size and the best GPU instance, where there is one."""
        found = [light_offer(work, self._profile, self._prices, self._given)]
        for units in self._fleets:
            unit = best_unit(units, work.rps, self._given)
            if unit is None and units:
                unit = units[0]
            if unit is not None:
                found.append(heavy_offer(unit, work, self._prices, self._given))
        return tuple(found)

    def advise(self, work: Workload, *, low: float, high: float) -> Advice:
        """The offers at the workload's rate, and the cheapest option from ``low`` to ``high`` requests per second."""
        return Advice(work, self.offers(work), tuple(self._stretches(work, low, high)))

    def steps(self, work: Workload, low: float, high: float) -> list[float]:
        """Every rate between ``low`` and ``high``, inclusive, at which a bill has a step or a kink."""
        rates = [cold_rate(self._given), *tier_rates(work, self._prices)]
        for unit in (unit for units in self._fleets for unit in units if unit.rate > 0):
            most = min(_MOST_STEPS, math.floor(high / unit.rate))
            rates += [count * unit.rate for count in range(self._given.least_units, most + 1)]
        return sorted({low, high, *(rate for rate in rates if low < rate < high)})

    def _stretches(self, work: Workload, low: float, high: float) -> list[Stretch]:
        found: list[Stretch] = []
        for start, end in pairwise(self.steps(work, low, high)):
            for stretch in self._between(work, start, end):
                if found and found[-1].option == stretch.option:
                    found[-1] = replace(found[-1], high=stretch.high)
                else:
                    found.append(stretch)
        return found

    def _between(self, work: Workload, start: float, end: float) -> Iterable[Stretch]:
        """Split the range between two steps at the intersections of the bills, each a line through two inner points."""
        first, second = (start + (end - start) * part for part in (0.25, 0.75))
        here, there = (self.offers(replace(work, rps=rate)) for rate in (first, second))
        bills = [
            _Bill(one.option, one.monthly, (other.monthly - one.monthly) / (second - first), first)
            for one, other in zip(here, there, strict=True)
            if one.meets
        ]
        cuts = {start, end}
        for one, other in combinations(bills, 2):
            if one.slope != other.slope:
                cuts.add(first - (one.at_first - other.at_first) / (one.slope - other.slope))
        for left, right in pairwise(sorted(cut for cut in cuts if start <= cut <= end)):
            middle = (left + right) / 2
            least = min(bills, key=lambda bill: bill.at(middle), default=None)
            yield Stretch(left, right, least.option if least else None)


@dataclass(frozen=True, slots=True)
class _Bill:
    """A bill as a linear function of the traffic."""

    option: Option
    at_first: float
    slope: float
    first: float

    def at(self, rps: float) -> float:
        return self.at_first + self.slope * (rps - self.first)


def cheapest(offers: Sequence[Offer]) -> Offer | None:
    """The cheapest offer that meets the target, or None."""
    return min((offer for offer in offers if offer.meets), key=lambda offer: offer.monthly, default=None)
