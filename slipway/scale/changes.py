"""What to change where no quota helps, or where something else is cheaper."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from slipway.cost.bill import Line
from slipway.scale import behind, environments, front, services
from slipway.scale.checks import Check
from slipway.scale.limits import Limits
from slipway.scale.workload import Workload

_MUCH = 5.0
_LARGE_SHARE = 0.2
_SPARED = 0.5
_RESERVED_FROM = 100.0
_MATTERS = 100.0
"""Dollars a month below which nobody changes how requests come in."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something to do, and the component that it is for."""

    component: str
    text: str


@dataclass(frozen=True, slots=True)
class _Excess:
    """A limit that is too low, and whether a day's rise reaches it too, or only a step."""

    check: Check
    work: Workload
    limits: Limits
    by_day: bool


def changes(work: Workload, limits: Limits, at_once: Sequence[Check], by_day: Sequence[Check]) -> Iterator[Change]:
    """What the excesses of a step and of a day call for."""
    step, day = ({(each.component, each.limit): each for each in found} for found in (at_once, by_day))
    for key in dict.fromkeys([*step, *day]):
        check = step.get(key) or day[key]
        if (advise := _ADVICE.get(key) or _ADVICE.get((key[0], _ANY))) is not None:
            yield Change(check.component, advise(_Excess(check, work, limits, key in day)))


def reserved(units: float, units_before: float) -> Iterator[Change]:
    """A load balancer grows by itself, at a rate that AWS does not give: what to reserve before a large step."""
    if units > _RESERVED_FROM and units > _MUCH * units_before:
        yield Change(
            front.BALANCER,
            f"reserve {math.ceil(units):,} capacity units before a step (`aws elbv2 modify-capacity-reservation`): AWS "
            "does not say how fast a load balancer grows. The region's quota on reserved units is 0 until one asks",
        )


def cheaper(lines: Sequence[Line], in_front: float) -> Iterator[Change]:
    """What is a large part of the bill and could be less."""
    total = float(sum(line.amount for line in lines))
    api = float(sum(line.amount for line in lines if line.item == "HTTP API requests"))
    logs = float(sum(line.amount for line in lines if line.item == "CloudWatch Logs"))
    of_all = f"of ${total:,.0f} a month"
    if api - in_front > _MATTERS and api > _LARGE_SHARE * total and in_front < _SPARED * api:
        text = f"a load balancer in front of the tier costs ${in_front:,.0f} more, but knows no IAM authorization"
        yield Change(front.API, f"it is ${api:,.0f} {of_all}; {text}")
    if logs > max(_LARGE_SHARE * total, _MATTERS):
        text = "a line of metrics, Lambda's own three, one of the API's access log, and the captures"
        yield Change("logs", f"they are ${logs:,.0f} {of_all}: {text}. `capture.sample` is what slipway.yaml has of it")


def _front_door(excess: _Excess) -> str:
    check, limits = excess.check, excess.limits
    regions = math.ceil(check.needed / limits["api_requests_per_second"])
    shared = f"ask for the quota, or spread requests over {regions} accounts or regions, whose default is enough"
    if check.ratio < _MUCH:
        return shared
    return (
        f"{shared}; or put a load balancer in front of the tier in place of the HTTP API: it has no quota on requests, "
        "but takes 1 MB a request to a function, and its capacity is to be reserved before a step"
    )


def _before_a_step(excess: _Excess) -> str:
    function = environments.Lambda.of(excess.limits, seconds=excess.work.seconds)
    needed, until = function.needed(excess.work.rps), excess.check.until
    lasts = "for good" if until is None else f"until second {until:,.0f}"
    slow = max(needed / function.ramp_per_second, 10.0)
    return (
        f"nobody can raise the ramp: {excess.check.lost:.1%} of the requests fail, {lasts}. Provision {needed:,.0f} "
        f"environments before a step, let clients come over {slow:,.0f} s, or split the models over functions or "
        "regions, each of which has a ramp of its own"
    )


def _more_tasks(excess: _Excess) -> str:
    tasks = services.tasks_needed(excess.work.rps / excess.work.models, excess.work.tasks)
    until = excess.check.until
    lasts = "" if until is None else f", until second {until:,.0f}"
    rise = "a day's rise needs it, too" if excess.by_day else "a day's rise does not need it"
    return f"`heavy.min_tasks: {tasks}` before a step, which fails {excess.check.lost:.0%} of requests{lasts}; {rise}"


def _most_tasks(excess: _Excess) -> str:
    return f"`heavy.max_tasks: {math.ceil(excess.check.needed * 1.2):d}`"


def _warm_table(excess: _Excess) -> str:
    check, rise = excess.check, "" if excess.by_day else "; a day's rise needs nothing"
    warm = f"{check.needed:,.0f} {check.unit}"
    return f"set the table's warm throughput to {warm} before a step, which is paid once{rise}"


def _hot_entity(excess: _Excess) -> str:
    copies = behind.copies(excess.work, excess.limits)
    return (
        f"a partition has {excess.check.allowed:,.0f} read units a second. A copy in each process for a second leaves "
        f"{copies:,.0f} reads/s of an entity at most; DAX in front of the table, one for each item and time to live. "
        "Either serves features that are as old as it keeps them"
    )


def _release_copies(excess: _Excess) -> str:
    limits = excess.limits
    longer = math.ceil(limits["release_seconds"] * excess.check.ratio)
    return (
        f"processes would have to keep the release for {longer} s instead of {limits['release_seconds']:g} s, which "
        "makes a rollback slower; or spread requests over regions, each with a table of its own; or DAX"
    )


def _less_captured(excess: _Excess) -> str:
    share = excess.work.captured / excess.check.ratio
    digits = max(0, 1 - math.floor(math.log10(share)))
    floor = math.floor(share * 10**digits) / 10**digits
    return f"`capture.sample: {floor:g}`; the reservoir stays as large, and drift needs no more"


def _parts(what: str, where: str) -> "Callable[[_Excess], str]":
    return lambda excess: f"spread the {what} over {math.ceil(excess.check.ratio)} {where}"


def _smaller(_: _Excess) -> str:
    return "send records in several requests, or put large inputs into S3 and send their keys"


_ANY = "any"
_ADVICE: dict[tuple[str, str | None], Callable[[_Excess], str]] = {
    (front.API, "api_requests_per_second"): _front_door,
    (front.FUNCTION, "lambda_ramp_environments"): _before_a_step,
    (front.FUNCTION, "lambda_payload_bytes"): _smaller,
    (front.BUNDLE, _ANY): _parts("models", "projects, each with a function of its own"),
    (front.SERVICE, "service_tasks_per_minute"): _more_tasks,
    (front.SERVICE, None): _most_tasks,
    (front.BALANCER, _ANY): _parts("tasks", "load balancers, or as many regions"),
    (behind.ENTITY, _ANY): _hot_entity,
    (behind.FEATURES, "table_start_reads"): _warm_table,
    (behind.CONTROL, "table_start_writes"): _warm_table,
    (behind.RELEASES, _ANY): _release_copies,
    (behind.CAPTURES, _ANY): _less_captured,
    (behind.COUNTERS, _ANY): _less_captured,
    (behind.MONITOR, _ANY): _less_captured,
    (behind.CONTROLLER, _ANY): _parts("models", "projects, each with a controller of its own"),
}
