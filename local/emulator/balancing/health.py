"""Health checks of a load balancer's targets; MiniStack considers every target healthy.

A target is checked on demand, for a request or `DescribeTargetHealth`. The result is kept for one second, and a target
that refuses connections is unhealthy at once. A target that hangs is checked in the background until it answers or
refuses, so that no later request waits for it. The intervals and counts of target groups are made for networks and are
not applied here. If a group has no healthy target, AWS sends requests to any target and this sends none: see `choose`
in weights.py and docs/local.md.
"""

import asyncio
import http.client
import random
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from ministack.services import alb

from local.emulator.balancing import in_flight

_FRESH_SECONDS = 1.0
_TIMEOUT_SECONDS = 5.0  # the default of AWS; a busy laptop answers late, and is not down
_NO_TARGET = (503, {"Content-Type": "text/plain"}, b"503 Service Temporarily Unavailable")

Target = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """A target's health check: where to send it, and the status codes of a healthy response."""

    host: str
    port: int
    path: str
    codes: str


class Answer(Enum):
    """What a health check found."""

    HEALTHY = auto()
    UNHEALTHY = auto()  # it refuses connections, or answers with another status
    HUNG = auto()  # it says nothing in time


_answers: dict[Check, tuple[float, Answer]] = {}
_hung: set[Check] = set()
# Concurrent requests wait for one check of a target instead of each making its own.
_checking: defaultdict[Check, threading.Lock] = defaultdict(threading.Lock)


def install() -> None:
    """Make this process's MiniStack report target health, and send requests to healthy targets only."""
    forward = alb._forward_to_tg

    async def forward_to_healthy(group: str, *request: Any) -> Any:
        if alb._tgs[group].get("TargetType") == "lambda":
            return await forward(group, *request)
        chosen = await _claimed_target(group)
        if chosen is None:
            return _NO_TARGET
        method, path, headers, body, query, raw_query, raw_path = request
        sent = (method, raw_path or path, headers, body, query, raw_query)
        try:
            return await alb._proxy_http_target(chosen, alb._tgs[group], *sent)
        finally:
            in_flight.release(chosen["Id"])

    alb._forward_to_tg = forward_to_healthy
    alb._ACTION_MAP["DescribeTargetHealth"] = _describe


async def _claimed_target(group: str) -> Target | None:
    """A healthy target that will not be stopped before it is released; None without one."""
    while targets := await asyncio.to_thread(healthy_targets, group):
        chosen = random.choice(targets)  # noqa: S311 - not a secret
        if in_flight.claim(chosen["Id"], lambda chosen=chosen: chosen in alb._targets.get(group, [])):
            return chosen
    return None


def healthy_targets(group: str) -> list[Target]:
    """The healthy targets of a group. Functions are always healthy."""
    settings = alb._tgs.get(group, {})
    targets = alb._targets.get(group, [])
    if settings.get("TargetType") == "lambda":
        return list(targets)
    return [target for target in targets if is_healthy(_check(settings, target))]


def is_healthy(check: Check) -> bool:
    """Whether a target accepts connections and passed a check within the last second."""
    if check in _hung:
        return False
    with _checking[check]:
        if check in _hung:
            return False
        answer = _current(check)
        if answer is Answer.HUNG:
            _hung.add(check)
            threading.Thread(target=_await_recovery, args=(check,), name="hung target", daemon=True).start()
    return answer is Answer.HEALTHY


def probe(check: Check) -> Answer:
    """Run a health check; it takes at most some seconds."""
    connection = http.client.HTTPConnection(check.host, check.port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", check.path)
        passed = matches(connection.getresponse().status, check.codes)
    except TimeoutError:
        return Answer.HUNG
    except (OSError, http.client.HTTPException):
        return Answer.UNHEALTHY
    finally:
        connection.close()
    return Answer.HEALTHY if passed else Answer.UNHEALTHY


def _current(check: Check) -> Answer:
    """The last check's result if that is fresh and the target still accepts connections, else a new one."""
    accepts = _connect(check)
    if accepts is not Answer.HEALTHY:
        _answers.pop(check, None)
        return accepts
    asked, answer = _answers.get(check, (float("-inf"), Answer.UNHEALTHY))
    if time.monotonic() - asked > _FRESH_SECONDS:
        answer = probe(check)
        _answers[check] = (time.monotonic(), answer)
    return answer


def _connect(check: Check) -> Answer:
    try:
        socket.create_connection((check.host, check.port), timeout=_TIMEOUT_SECONDS).close()
    except TimeoutError:
        return Answer.HUNG
    except OSError:
        return Answer.UNHEALTHY
    return Answer.HEALTHY


def _await_recovery(check: Check) -> None:
    while probe(check) is Answer.HUNG:
        pass
    _answers.pop(check, None)
    _hung.discard(check)


def matches(status: int, codes: str) -> bool:
    """Whether a status matches a matcher's codes: `200`, `200,202`, `200-299`."""
    for part in codes.split(","):
        first, _, last = part.partition("-")
        if int(first) <= status <= int(last or first):
            return True
    return False


def _check(group: Mapping[str, Any], target: Target) -> Check:
    port = int(target.get("Port") or group["Port"])
    asked = group["HealthCheckPort"]
    return Check(
        host=target["Id"],
        port=port if asked == "traffic-port" else int(asked),
        path=group["HealthCheckPath"],
        codes=group["Matcher"]["HttpCode"],
    )


def _describe(params: Mapping[str, Any]) -> Any:
    """Answer DescribeTargetHealth with the targets' actual health."""
    group = alb._p(params, "TargetGroupArn")
    if group not in alb._tgs:
        return alb._error("TargetGroupNotFound", f"Target group '{group}' not found.")
    asked = {target["Id"] for target in alb._parse_targets_param(params)}
    found = [target for target in alb._targets.get(group, []) if not asked or target["Id"] in asked]
    healthy = [target["Id"] for target in healthy_targets(group)]
    members = "".join(_member(target, alb._tgs[group]["Port"], healthy) for target in found)
    xml = f"<TargetHealthDescriptions>{members}</TargetHealthDescriptions>"
    return alb._xml(200, "DescribeTargetHealth", xml)


def _member(target: Target, port: int, healthy: Collection[str]) -> str:
    up = target["Id"] in healthy
    reason = "" if up else "<Reason>Target.FailedHealthChecks</Reason>"
    return (
        f"<member><Target><Id>{target['Id']}</Id><Port>{target.get('Port', port)}</Port></Target>"
        f"<TargetHealth><State>{'healthy' if up else 'unhealthy'}</State>{reason}</TargetHealth></member>"
    )
