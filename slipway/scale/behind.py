"""The components behind a request: tables, captures, the monitor and the controller."""

import math
from collections.abc import Iterator

import numpy as np

from slipway.scale import environments, services
from slipway.scale.checks import Check, Effect, at_rate, once, over_time
from slipway.scale.limits import Limits
from slipway.scale.tables import TRANSACTION, read_units, taken, write_units
from slipway.scale.traffic import Array, Traffic
from slipway.scale.workload import Workload

FEATURES, ENTITY, RELEASES, COUNTERS = "features table", "busiest entity", "release record", "counters of labels"
CAPTURES, MONITOR, CONTROLLER, CONTROL = "captures", "monitor", "controller", "control table"
_HOUR = 3600.0
_LABEL_ITEM = 600


def behind(work: Workload, traffic: Traffic, limits: Limits) -> Iterator[Check]:
    """The checks of what a request reads, and of what is written of it."""
    if work.groups:
        yield from _features(work, traffic, limits)
    yield _release_record(work, traffic, limits)
    if work.captured:
        yield from _captures(work, traffic, limits)
    yield _controller(work, limits)


def processes(work: Workload, rate: Array, limits: Limits) -> Array:
    """The environments or tasks that read the release record, at each rate."""
    if work.tier == "light":
        function = environments.Lambda.of(limits, seconds=work.seconds)
        return np.minimum(function.needed_over(rate), np.maximum(rate, 1.0))
    return services.tasks_over(rate / work.models, work.tasks)


def copies(work: Workload, limits: Limits) -> float:
    """The reads a second of one entity if each process keeps a copy of it for a second."""
    return float(processes(work, np.array([work.rps]), limits)[0])


def _features(work: Workload, traffic: Traffic, limits: Limits) -> Iterator[Check]:
    units = read_units(work.group_bytes) * work.groups
    yield at_rate(
        traffic,
        traffic.rate * work.hot * read_units(work.group_bytes),
        limits,
        component=ENTITY,
        what=f"reads of the entity that {work.hot:.2%} of requests name",
        limit="partition_reads",
        effect="features",
    )
    yield from _table(
        traffic, traffic.rate * units, limits, component=FEATURES, what="reads", kind="reads", effect="features"
    )


def _table(
    traffic: Traffic, units: Array, limits: Limits, *, component: str, what: str, kind: str, effect: Effect
) -> Iterator[Check]:
    start = f"table_start_{kind}"
    yield over_time(
        traffic,
        units,
        taken(units, traffic.dt, start=limits[start], most=math.inf, limits=limits),
        component=component,
        what=f"{what}, while a table on demand has to grow",
        unit=limits.known[start].unit,
        allowed=limits[start],
        effect=effect,
        limit=start,
    )
    yield at_rate(traffic, units, limits, component=component, what=what, limit=f"table_{kind}", effect=effect)


def _release_record(work: Workload, traffic: Traffic, limits: Limits) -> Check:
    """Each process reads every model's record every five seconds; a model's records are one partition key."""
    reads = processes(work, traffic.rate, limits) / limits["release_seconds"] * read_units(limits["release_bytes"])
    return at_rate(
        traffic,
        reads,
        limits,
        component=RELEASES,
        what=f"reads of a model's release by all processes, each every {limits['release_seconds']:g} s",
        limit="partition_reads",
        effect="releases",
    )


def _captures(work: Workload, traffic: Traffic, limits: Limits) -> Iterator[Check]:
    captured = traffic.rate * work.captured
    per_call = max(limits["delivery_bytes"] / work.capture_bytes, 1.0)
    yield at_rate(
        traffic,
        captured / per_call * min(work.models, per_call),
        limits,
        component=CAPTURES,
        what="files, one for each call of `capture` and model",
        limit="prefix_puts",
        effect="monitoring",
    )
    yield from _table(
        traffic,
        captured * write_units(_LABEL_ITEM),
        limits,
        component=CONTROL,
        what="items that wait for labels",
        kind="writes",
        effect="monitoring",
    )
    yield at_rate(
        traffic,
        captured / work.models * work.labelled * TRANSACTION,
        limits,
        component=COUNTERS,
        what="labels of a model, each a transaction on its counter",
        limit="partition_writes",
        effect="monitoring",
    )
    yield _monitor(work, traffic, limits)


def _monitor(work: Workload, traffic: Traffic, limits: Limits) -> Check:
    """A run may take fifteen minutes, and reads the captures of the hour before."""
    captured = traffic.rate[traffic.times >= 0] * work.captured
    window = max(round(_HOUR / traffic.dt), 1)
    busiest = captured.mean() if len(captured) <= window else np.convolve(captured, np.ones(window) / window).max()
    return once(
        component=MONITOR,
        what="seconds to read the captures of the busiest hour",
        unit="s",
        needed=float(busiest) * _HOUR * limits["capture_seconds"],
        allowed=limits["lambda_seconds"],
        effect="monitoring",
        limit="lambda_seconds",
    )


def _controller(work: Workload, limits: Limits) -> Check:
    return once(
        component=CONTROLLER,
        what="seconds of a pass with a release of every model",
        unit="s",
        needed=work.models * limits["controller_seconds"],
        allowed=limits["controller_pass_seconds"],
        effect="releases",
    )
