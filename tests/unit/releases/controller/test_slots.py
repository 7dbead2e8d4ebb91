"""The slots as a value."""

from dataclasses import replace
from datetime import timedelta

import pytest
from support.releases.records import NOW

from slipway.errors import ConflictError
from slipway.releases.controller.parameters import StoredSlot
from slipway.releases.controller.services import Tasks
from slipway.releases.controller.slots import (
    SlotState,
    idle_slot,
    live_shares,
    readiness,
    rising_first,
    wanted_tasks,
    weights_for,
)
from slipway.releases.evidence.tallies import Readiness

UP = SlotState(100, StoredSlot(1, NOW, 100), Tasks(2, 2, deploying=False, since=NOW + timedelta(minutes=1)), 2)
STATES = {"blue": UP, "green": replace(UP, weight=0, kept=StoredSlot(2, NOW, 0))}


@pytest.mark.parametrize(
    ("share", "weights"),
    [(0.05, {"blue": 95, "green": 5}), (1 / 3, {"blue": 666, "green": 333}), (1.0, {"blue": 0, "green": 100})],
)
def test_shares_become_whole_weights(share: float, weights: dict[str, int]) -> None:
    assert weights_for(STATES, {1: 1 - share, 2: share}) == weights


def test_a_version_without_a_slot_gets_no_traffic() -> None:
    with pytest.raises(ConflictError, match="version 3 is in no slot"):
        weights_for(STATES, {1: 0.9, 3: 0.1})


def test_two_slots_of_one_version_share_it() -> None:
    both = {"blue": UP, "green": replace(UP, weight=0)}
    assert live_shares(both) == {1: 1.0}
    assert idle_slot(both, 1) == "green"


def test_no_slot_is_idle_where_none_is_stable() -> None:
    with pytest.raises(ConflictError, match="stable version 7"):
        idle_slot(STATES, 7)


def test_weights_change_one_by_one_without_all_being_zero() -> None:
    assert rising_first({"blue": 0, "green": 100}, {"blue": 100, "green": 0}) == [("green", 100), ("blue", 0)]
    assert rising_first({"blue": 100, "green": 0}, {"blue": 95, "green": 5}) == [("blue", 100), ("green", 0)]
    assert rising_first({"blue": 100, "green": 0}, {"blue": 100, "green": 0}) == []


@pytest.mark.parametrize(
    ("tasks", "healthy", "expected"),
    [
        (UP.tasks, 2, Readiness.READY),
        (UP.tasks, 1, Readiness.WAITING),
        (replace(UP.tasks, deploying=True), 2, Readiness.WAITING),
        (replace(UP.tasks, since=NOW - timedelta(minutes=1)), 2, Readiness.WAITING),
        (replace(UP.tasks, problem="tasks failed to start"), 0, Readiness.FAILED),
        (replace(UP.tasks, desired=0, running=0), 0, Readiness.ABSENT),
    ],
)
def test_a_version_is_ready_when_every_task_is_its_own_and_healthy(
    tasks: Tasks, healthy: int, expected: Readiness
) -> None:
    assert readiness({"blue": replace(UP, tasks=tasks, healthy=healthy)}, 1) is expected


@pytest.mark.parametrize(
    ("weight", "tasks", "wanted"),
    [
        (100, UP.tasks, 2),
        (0, UP.tasks, 2),
        (100, replace(UP.tasks, deploying=True), 2),
        (0, replace(UP.tasks, deploying=True), 0),
        (0, replace(UP.tasks, desired=0, running=0), 0),
        (100, replace(UP.tasks, desired=0, running=0), 1),
    ],
    ids=["serving", "warm", "renewed", "starting", "retired", "retired with traffic"],
)
def test_a_slot_wants_tasks_that_serve_or_are_kept_warm(weight: int, tasks: Tasks, wanted: int) -> None:
    assert wanted_tasks(replace(UP, weight=weight, tasks=tasks)) == wanted


def test_a_version_that_no_slot_has_is_absent() -> None:
    assert readiness(STATES, 9) is Readiness.ABSENT
