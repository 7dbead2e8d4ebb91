"""The components that every request passes: the API, the tier, the load balancer."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from slipway.scale import environments, services
from slipway.scale.buckets import admitted
from slipway.scale.checks import Check, at_rate, once, over_time
from slipway.scale.limits import Limits
from slipway.scale.traffic import Traffic
from slipway.scale.workload import Workload

API, FUNCTION, SERVICE, BALANCER, BUNDLE = "HTTP API", "Lambda", "ECS", "load balancer", "bundle"
_UNCAPPED = 1e9


def front(work: Workload, traffic: Traffic, limits: Limits) -> Iterator[Check]:
    """The checks of the API and of the tier that serves."""
    yield _api(traffic, limits)
    yield once(
        component=API,
        what="seconds of one request",
        unit="s",
        needed=work.seconds,
        allowed=limits["api_seconds"],
        effect="requests",
        limit="api_seconds",
    )
    yield from _light(work, traffic, limits) if work.tier == "light" else _heavy(work, traffic, limits)


def _api(traffic: Traffic, limits: Limits) -> Check:
    allowed = limits["api_requests_per_second"]
    return over_time(
        traffic,
        traffic.rate,
        admitted(traffic.rate, traffic.dt, per_second=allowed, burst=limits["api_burst"]),
        component=API,
        what="requests of all APIs of the account in the region",
        unit="requests/s",
        allowed=allowed,
        effect="requests",
        limit="api_requests_per_second",
    )


def _light(work: Workload, traffic: Traffic, limits: Limits) -> Iterator[Check]:
    function = environments.Lambda.of(limits, seconds=work.seconds)
    yield at_rate(
        traffic,
        function.needed_over(traffic.rate),
        limits,
        component=FUNCTION,
        what="environments at once",
        limit="lambda_concurrency",
        effect="requests",
    )
    yield _ramp(traffic, function)
    yield once(
        component=FUNCTION,
        what="bytes of one request",
        unit="bytes",
        needed=work.payload,
        allowed=limits["lambda_payload_bytes"],
        effect="requests",
        limit="lambda_payload_bytes",
    )
    yield once(
        component=BUNDLE,
        what="dependencies and all models of `predict`, unzipped",
        unit="MB",
        needed=limits["dependencies_mb"] + work.models * work.package_mb,
        allowed=limits["lambda_bundle_mb"],
        effect="releases",
        limit="lambda_bundle_mb",
    )


def _ramp(traffic: Traffic, function: environments.Lambda) -> Check:
    """How fast environments start, whatever the concurrency that the account has."""
    fleet = environments.simulate(traffic, uncapped(function))
    return over_time(
        traffic,
        traffic.rate,
        fleet.served,
        component=FUNCTION,
        what="environments that start as traffic rises",
        unit="requests/s",
        allowed=float(fleet.served[traffic.times >= 0].min()),
        effect="requests",
        limit="lambda_ramp_environments",
        is_ramp=True,
    )


def uncapped(function: environments.Lambda) -> environments.Lambda:
    """The same function in an account with any concurrency."""
    return replace(function, most=_UNCAPPED)


def _heavy(work: Workload, traffic: Traffic, limits: Limits) -> Iterator[Check]:
    own = Traffic(traffic.shape, traffic.dt, traffic.rate / work.models, traffic.begins)
    tasks = services.tasks_over(own.rate, work.tasks)
    most = float(work.tasks.most)
    yield over_time(
        traffic,
        tasks,
        np.minimum(tasks, most),
        component=SERVICE,
        what="tasks of a model beside `heavy.max_tasks`",
        unit="tasks",
        allowed=most,
        effect="requests",
        limit=None,
    )
    for component, name, asked, what in (
        (SERVICE, "fargate_vcpus", tasks * work.models * work.tasks.cpu, "vCPUs of all tasks"),
        (SERVICE, "service_tasks", tasks, "tasks of one model"),
        (BALANCER, "balancer_targets", tasks * work.models, "tasks behind one load balancer"),
    ):
        yield at_rate(traffic, asked, limits, component=component, what=what, limit=name, effect="requests")
    yield _scaling(work, own, limits)


def _scaling(work: Workload, traffic: Traffic, limits: Limits) -> Check:
    """How fast tasks come, whatever their number may be."""
    ample = {"fargate_vcpus": _UNCAPPED, "service_tasks": _UNCAPPED, "balancer_targets": _UNCAPPED}
    service = services.simulate(traffic, replace(work.tasks, most=10**6), limits.raised(ample))
    return over_time(
        traffic,
        traffic.rate,
        service.served,
        component=SERVICE,
        what="tasks that start as traffic rises",
        unit="requests/s",
        allowed=float(service.served[traffic.times >= 0].min()),
        effect="requests",
        limit="service_tasks_per_minute",
        is_ramp=True,
    )
