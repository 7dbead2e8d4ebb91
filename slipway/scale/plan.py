"""The plan: what breaks first, which quotas to ask for, what it costs, and what to change."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from slipway.cost.bill import Line
from slipway.cost.prices import load_prices
from slipway.models.advice.prices import load_prices as load_region_prices
from slipway.scale import environments, services
from slipway.scale.behind import behind
from slipway.scale.buckets import admitted
from slipway.scale.changes import Change, changes, cheaper, reserved
from slipway.scale.checks import Check
from slipway.scale.costs import bill, capacity_units, in_front
from slipway.scale.front import front
from slipway.scale.limits import Limits
from slipway.scale.traffic import Array, Shape, Traffic, day, step
from slipway.scale.workload import Workload

_ROOM = 1.2
_FULL = 0.999


@dataclass(frozen=True)
class Carried:
    """What comes through API and tier together: requests a second over time, and processes that answer them.

    ``lost`` is the share of requests that fail, and ``until`` the second from which on all are answered, if ever.
    """

    served: Array
    processes: Array
    lost: float
    until: float | None


@dataclass(frozen=True)
class Scenario:
    """One shape of traffic: every component by itself, and all of them together, now and with what is asked for."""

    traffic: Traffic
    checks: tuple[Check, ...]
    now: Carried
    then: Carried

    @property
    def exceeded(self) -> list[Check]:
        """The limits that are too low, the first to be reached first.

        Of those within a second, the one that is farthest off comes first, and a ramp, which passes, last.
        """
        found = [(int(each.at), each.is_ramp, -each.ratio, each) for each in self.checks if each.at is not None]
        return [each for *_, each in sorted(found, key=lambda one: one[:3])]


@dataclass(frozen=True, slots=True)
class Ask:
    """A quota to ask for, by its name in Service Quotas."""

    limit: str
    quota: str
    unit: str
    now: float
    ask: float


@dataclass(frozen=True)
class Plan:
    """The answers for one workload. ``lines`` are a month; ``in_front`` is what a balancer in place of the API adds."""

    work: Workload
    limits: Limits
    region: str
    scenarios: Mapping[Shape, Scenario]
    asks: tuple[Ask, ...]
    changes: tuple[Change, ...]
    mean_rps: float
    lines: tuple[Line, ...]
    in_front: float

    @property
    def first(self) -> Check | None:
        """What breaks first if all requests come at once."""
        return next(iter(self.scenarios["step"].exceeded), None)


def make_plan(work: Workload, limits: Limits, *, region: str = "us-east-1") -> Plan:
    """Simulate a step and a day of a workload; raises NotFoundError for a region that the price tables do not have."""
    prices, shared = load_prices(region), load_region_prices().of(region)
    shapes = (step(work.rps), day(work.rps))
    checked = {each.shape: tuple(checks_of(work, each, limits)) for each in shapes}
    asks = tuple(asked((check for found in checked.values() for check in found), limits))
    granted = limits.raised({each.limit: each.ask for each in asks})
    scenarios = {
        each.shape: Scenario(
            each, checked[each.shape], carried(work, each, limits), carried(_allowed(work), each, granted)
        )
        for each in shapes
    }
    mean = scenarios["day"].traffic.mean
    lines, instead = bill(work, mean, prices, shared, limits), in_front(work, mean, prices, limits)
    found = (*_changes(work, limits, scenarios), *cheaper(lines, instead))
    return Plan(work, limits, region, scenarios, asks, found, mean, tuple(lines), instead)


def _changes(work: Workload, limits: Limits, scenarios: Mapping[Shape, Scenario]) -> Iterator[Change]:
    at_once, by_day = scenarios["step"], scenarios["day"]
    yield from changes(work, limits, at_once.exceeded, by_day.exceeded)
    if work.tier == "heavy":
        rates = at_once.traffic.rate
        yield from reserved(*(capacity_units(work, float(rate), limits) for rate in (rates[-1], rates[0])))


def checks_of(work: Workload, traffic: Traffic, limits: Limits) -> Iterator[Check]:
    """Every component by itself, each with all requests."""
    yield from front(work, traffic, limits)
    yield from behind(work, traffic, limits)


def asked(checks: Iterator[Check], limits: Limits) -> Iterator[Ask]:
    """The quotas that are too low and that AWS raises, each once, with a fifth of room."""
    needed: dict[str, float] = {}
    for check in checks:
        if check.is_exceeded and check.limit is not None and limits.known[check.limit].adjustable:
            needed[check.limit] = max(needed.get(check.limit, 0.0), check.needed)
    for name, value in needed.items():
        known = limits.known[name]
        yield Ask(name, known.quota or "", known.unit, limits[name], rounded_up(value * _ROOM))


def rounded_up(value: float) -> float:
    """The next number of two digits and zeros."""
    unit = 10.0 ** max(math.floor(math.log10(value)) - 1, 0)
    return math.ceil(value / unit - 1e-9) * unit


def carried(work: Workload, traffic: Traffic, limits: Limits) -> Carried:
    """What API and tier carry together: the tier gets only what the API admits."""
    rate = admitted(traffic.rate, traffic.dt, per_second=limits["api_requests_per_second"], burst=limits["api_burst"])
    through = Traffic(traffic.shape, traffic.dt, rate / (1 if work.tier == "light" else work.models), traffic.begins)
    if work.tier == "light":
        fleet = environments.simulate(through, environments.Lambda.of(limits, seconds=work.seconds))
        served, processes = fleet.served, fleet.environments
    else:
        service = services.simulate(through, work.tasks, limits)
        served, processes = service.served * work.models, service.ready * work.models
    since = traffic.times >= -1e-9
    lost = 1 - float(served[since].sum() / traffic.rate[since].sum())
    return Carried(served, processes, max(lost, 0.0), _until(traffic, served, since))


def _until(traffic: Traffic, served: Array, since: np.typing.NDArray[np.bool_]) -> float | None:
    short = np.flatnonzero(since & (served < _FULL * traffic.rate))
    if not len(short):
        return 0.0
    last = int(short[-1]) + 1
    return None if last >= len(traffic.rate) else float(traffic.times[last])


def _allowed(work: Workload) -> Workload:
    """The workload with as many tasks allowed as it takes, since `heavy.max_tasks` is one's own."""
    needed = services.tasks_needed(work.rps / work.models, work.tasks)
    return replace(work, tasks=replace(work.tasks, most=max(work.tasks.most, math.ceil(needed * _ROOM))))


def total_of(lines: Sequence[Line]) -> float:
    """Dollars a month."""
    return float(sum(line.amount for line in lines))
