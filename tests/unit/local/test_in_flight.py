"""A task is not stopped while requests are on their way to it."""

import asyncio
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from ministack.services import alb

from local.emulator.balancing import health, in_flight
from local.emulator.containers import Container

ADDRESS = "127.0.0.77"
TARGET = {"Id": ADDRESS, "Port": 8080}
GROUP = "group"


@pytest.fixture(autouse=True)
def group(monkeypatch: pytest.MonkeyPatch) -> None:
    """A target group with one healthy target."""
    monkeypatch.setitem(alb._tgs, GROUP, {"TargetType": "ip", "Port": 8080})
    monkeypatch.setitem(alb._targets, GROUP, [TARGET])
    monkeypatch.setattr(health, "healthy_targets", lambda _: list(alb._targets[GROUP]))


@pytest.fixture
def container(tmp_path: Path) -> Any:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    made = Container(process, ADDRESS, tmp_path / "log", lambda _: None)
    yield made
    made.end()


def test_a_container_stops_after_the_requests_that_are_on_their_way(container: Container) -> None:
    assert in_flight.claim(ADDRESS, lambda: True)
    stopping = threading.Thread(target=container.stop, args=(600,))
    stopping.start()
    assert not in_flight.await_none(ADDRESS, 0.2)
    assert container.status == "running"
    in_flight.release(ADDRESS)
    stopping.join()
    assert container.status == "exited"


def test_a_request_that_never_ends_keeps_no_container(container: Container) -> None:
    assert in_flight.claim(ADDRESS, lambda: True)
    try:
        container.stop(0.2)
        assert container.status == "exited"
    finally:
        in_flight.release(ADDRESS)


def test_a_target_that_left_after_its_check_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[list[dict[str, Any]]] = [[TARGET], []]

    def healthy(_: str) -> list[dict[str, Any]]:
        alb._targets[GROUP] = []  # deregistered between the check and the choice
        return checked.pop(0)

    monkeypatch.setattr(health, "healthy_targets", healthy)
    assert asyncio.run(health._claimed_target(GROUP)) is None
    assert in_flight.await_none(ADDRESS, 0)


def test_a_request_is_released_when_its_answer_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []

    async def proxy(*_: Any) -> str:
        seen.append(in_flight.await_none(ADDRESS, 0))
        return "answer"

    monkeypatch.setattr(alb, "_proxy_http_target", proxy)
    monkeypatch.setattr(alb, "_forward_to_tg", None)
    monkeypatch.setattr(alb, "_ACTION_MAP", {})
    health.install()
    asked = alb._forward_to_tg(GROUP, "GET", "/", {}, b"", {}, "", "/")
    assert asyncio.run(asked) == "answer"
    assert seen == [False]
    assert in_flight.await_none(ADDRESS, 0)
