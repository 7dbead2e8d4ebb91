"""The heavy tier: when ECS adds tasks, and how fast they come."""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from slipway.scale.buckets import Bucket
from slipway.scale.limits import Limits
from slipway.scale.traffic import Array, Traffic
from slipway.scale.workload import Tasks

_MINUTE = 60.0
_SCALE_IN_MINUTES = 15


@dataclass(frozen=True)
class Service:
    """What happened to the requests of one ECS service, as rates over time; and its tasks, ready and wanted."""

    ready: Array
    wanted: Array
    served: Array
    refused: Array


def tasks_needed(rate: float, tasks: Tasks) -> int:
    """The tasks that a steady rate takes, each at its target."""
    return max(math.ceil(rate / tasks.rps), 1)


def tasks_over(rate: Array, tasks: Tasks) -> Array:
    """The same for each of some rates."""
    needed: Array = np.maximum(np.ceil(rate / tasks.rps), 1.0)
    return needed


def most_tasks(tasks: Tasks, limits: Limits) -> int:
    """The tasks that slipway.yaml and the quotas allow to one service."""
    quotas = (limits["service_tasks"], limits["balancer_targets"], limits["fargate_vcpus"] / tasks.cpu)
    return max(min(tasks.most, *(int(each) for each in quotas)), 1)


def simulate(traffic: Traffic, tasks: Tasks, limits: Limits) -> Service:
    """Send requests to a service that has its least number of tasks at first.

    Each minute it wants as many tasks as the last minutes took, all of which must have been above the target to add
    some (CloudWatch's datapoints), and fifteen of them below to remove some.
    """
    dt, most = traffic.dt, most_tasks(tasks, limits)
    wanted, ready = min(tasks.least, most), float(min(tasks.least, most))
    launches = Bucket.full(limits["fargate_tasks_per_second"], limits["fargate_burst"])
    per_step = limits["service_tasks_per_minute"] / _MINUTE * dt
    starting = deque([0.0] * max(round(tasks.start_seconds / dt), 1))
    coming, needs = 0.0, _minutes(traffic, tasks)
    every = max(round(_MINUTE / dt), 1)
    rows = np.empty((len(traffic.rate), 4))
    for place, rate in enumerate(traffic.rate):
        arrived = starting.popleft()
        ready, coming = ready + arrived, coming - arrived
        if place % every == 0:
            wanted = _wanted(wanted, needs[: place // every], tasks, most, limits)
        launched = launches.take(min(max(wanted - ready - coming, 0.0), per_step), dt)
        starting.append(launched)
        coming += launched
        ready = min(ready, max(wanted, tasks.least))
        served = min(rate, ready * tasks.most_rps)
        rows[place] = ready, wanted, served, rate - served
    return Service(*rows.T)


def _minutes(traffic: Traffic, tasks: Tasks) -> list[int]:
    """The tasks that each whole minute took."""
    every = max(round(_MINUTE / traffic.dt), 1)
    whole = traffic.rate[: len(traffic.rate) // every * every].reshape(-1, every).mean(axis=1)
    return [tasks_needed(float(rate), tasks) for rate in whole]


def _wanted(wanted: int, needs: list[int], tasks: Tasks, most: int, limits: Limits) -> int:
    datapoints = int(limits["scaling_minutes"])
    last = needs[-datapoints:]
    if len(last) == datapoints and min(last) > wanted:
        return min(last[-1], most)
    quiet = needs[-_SCALE_IN_MINUTES:]
    if len(quiet) == _SCALE_IN_MINUTES and max(quiet) < wanted:
        return min(max(*quiet, tasks.least), most)
    return wanted
