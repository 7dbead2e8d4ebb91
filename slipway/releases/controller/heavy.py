"""Releases on the heavy tier: each of two slots serves one version, and the load balancer weights them.

The load balancer holds the live weights. Parameters hold the weights that the next `cdk deploy` applies. The parameters
never give a candidate more than the live weights do: decreases are written to the parameters first, increases last.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from slipway.errors import ConflictError, UnavailableError
from slipway.releases.controller.listener import Health
from slipway.releases.controller.parameters import StoredSlot
from slipway.releases.controller.services import Tasks
from slipway.releases.controller.slots import (
    SlotState,
    States,
    are_same,
    desired_tasks,
    home,
    idle_slot,
    live_shares,
    readiness,
    rising_first,
    shares_of,
    wanted_tasks,
    weights_for,
)
from slipway.releases.evidence.tallies import Observed, Readiness
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import Phase
from slipway.releases.strategies.actions import SetShares


class Balancer(Protocol):
    """The load balancer, as one model's slots use it."""

    def weights(self) -> Mapping[str, int]: ...
    def set_weights(self, weights: Mapping[str, int]) -> None: ...
    def health(self, slot: str) -> Health: ...
    def addressed(self) -> Mapping[str, int]: ...
    def answer(self, slot: str, model: str, version: int) -> None: ...


class Services(Protocol):
    """The ECS services of a model's slots."""

    def tasks(self) -> Mapping[str, Tasks]: ...
    def run(self, slot: str, count: int, *, renew: bool) -> None: ...


class Parameters(Protocol):
    """The stored versions, which new tasks read, and the stored weights, which the next deploy applies."""

    def kept(self, model: str) -> Mapping[str, StoredSlot]: ...
    def keep_version(self, model: str, slot: str, version: int) -> None: ...
    def keep_weight(self, model: str, slot: str, weight: int) -> None: ...


class Result(StrEnum):
    """The outcome of a smoke test."""

    ANSWERS = "answers"
    NOT_YET = "not yet"
    FAILS = "fails"


@dataclass(frozen=True, slots=True)
class SmokeTestResult:
    """The outcome of a smoke test, with a description for people."""

    result: Result
    seen: str = ""


class SmokeTest(Protocol):
    """Sends enough predictions to a version's own address to warm it up."""

    def __call__(self, model: str, version: int) -> SmokeTestResult: ...


class LoadFailures(Protocol):
    """Finds why tasks that started after ``since`` refuse a version; empty if they do not, or did not say so."""

    def __call__(self, model: str, version: int, since: datetime) -> str: ...


def none_known(model: str, version: int, since: datetime) -> str:  # noqa: ARG001 - `LoadFailures` requires it
    """`LoadFailures` of tasks whose log cannot be read."""
    return ""


@dataclass(frozen=True)
class Slots:
    """The parts of a model's slots.

    ``min_tasks`` is the minimum number of tasks of a slot with traffic; ``start_seconds`` is how long one may start.
    """

    balancer: Balancer
    services: Services
    parameters: Parameters
    smoke_test: SmokeTest
    min_tasks: int = 1
    start_seconds: int = 0
    load_failures: LoadFailures = none_known


class HeavyTier:
    """A `Tier` of slots; ``slots`` returns the slots of a model."""

    def __init__(self, slots: Callable[[str], Slots]) -> None:
        self._slots = slots

    def observe(self, record: ReleaseRecord, *, mend: bool = True) -> Observed:
        slots, model = self._slots(record.model), record.model
        states = _read(slots, model)
        shares = live_shares(states)
        if mend:
            _mend(slots, record, states)
        ready = {version: readiness(states, version) for version in (record.stable, *record.candidates)}
        problems = [state.tasks.problem for state in states.values() if state.tasks.problem]
        if mend and record.phase is Phase.PREPARING:
            for version in record.candidates:
                if why := _refusal(slots, states, model, version) if ready[version] is not Readiness.READY else "":
                    ready[version] = Readiness.FAILED
                    problems.append(f"version {version}: {why}")
                if ready[version] is Readiness.READY:
                    trial = slots.smoke_test(model, version)
                    ready[version] = _AFTER_TRIAL[trial.result]
                    problems += [trial.seen] if trial.result is not Result.ANSWERS else []
        return Observed(
            ready,
            shares,
            problem="; ".join(problems),
            down=_down(states),
            start_seconds=slots.start_seconds,
            stored=shares_of({slot: state.kept.weight for slot, state in states.items()}, states),
            tasks=desired_tasks(states),
        )

    def wanted_tasks(self, model: str) -> dict[str, int]:
        """How many tasks of each slot should be healthy.

        Raises:
            NotFoundError: the model is not deployed.
            UnavailableError: AWS cannot be asked.
        """
        return {slot: wanted_tasks(state) for slot, state in _read(self._slots(model), model).items()}

    def prepare(self, record: ReleaseRecord, version: int) -> None:
        slots, model = self._slots(record.model), record.model
        states = _read(slots, model)
        slot = idle_slot(states, record.stable)
        state = states[slot]
        if state.weight:
            weight = f"it has the weight {state.weight}"
            raise ConflictError(f"slot {slot} of {model} cannot take version {version}, since {weight}")
        changes = state.kept.version != version
        if changes:
            slots.parameters.keep_version(model, slot, version)
        slots.balancer.answer(slot, model, version)
        # Match the stable version's task count, because the candidate may get all traffic.
        stable = home(states, record.stable)
        count = max(slots.min_tasks, states[stable].tasks.desired if stable else 0, state.tasks.desired)
        renew = changes or state.is_stale
        if renew or not state.tasks.desired:
            slots.services.run(slot, count, renew=renew)

    def move(self, record: ReleaseRecord, action: SetShares) -> None:
        slots, model = self._slots(record.model), record.model
        states = _read(slots, model)
        live = live_shares(states)
        if not are_same(live, action.before) and not are_same(live, action.shares):
            shown = ", ".join(f"{100 * share:g} % at {version}" for version, share in live.items())
            raise ConflictError(f"somebody else has moved the traffic of {model} ({shown}); nothing is built on that")
        weights = weights_for(states, action.shares)
        _check_health(model, weights, states)
        if action.shares.get(record.stable, 0.0) < live.get(record.stable, 0.0):
            slots.balancer.set_weights(weights)
            _keep(slots, model, weights, states)
        else:
            _fall(slots, model, weights, states)

    def retire(self, record: ReleaseRecord, version: int) -> None:
        slots = self._slots(record.model)
        states = _read(slots, record.model)
        slot = home(states, version)
        if slot is None or not states[slot].tasks.desired:
            return
        if states[slot].weight:
            raise ConflictError(f"slot {slot} of {record.model} still has traffic, so its tasks stay")
        slots.services.run(slot, 0, renew=False)


_AFTER_TRIAL = {
    Result.ANSWERS: Readiness.READY,
    Result.NOT_YET: Readiness.WAITING,
    Result.FAILS: Readiness.FAILED,
}


def _refusal(slots: Slots, states: States, model: str, version: int) -> str:
    """Why the tasks of a version refuse it; they end without it, so its slot never becomes ready."""
    slot = home(states, version)
    since = states[slot].tasks.since if slot is not None and not states[slot].is_stale else None
    return slots.load_failures(model, version, since) if since is not None else ""


def _down(states: States) -> frozenset[int]:
    """The versions that get traffic but have no healthy task, while another slot has one.

    The load balancer keeps sending requests to such a slot, and no task is there to count them.
    """
    if not any(state.healthy for state in states.values()):
        return frozenset()
    return frozenset(state.kept.version for state in states.values() if state.weight and not state.healthy)


def _read(slots: Slots, model: str) -> dict[str, SlotState]:
    weights, tasks = slots.balancer.weights(), slots.services.tasks()
    return {
        slot: SlotState(weights[slot], kept, tasks[slot], slots.balancer.health(slot).healthy)
        for slot, kept in slots.parameters.kept(model).items()
    }


def _mend(slots: Slots, record: ReleaseRecord, states: States) -> None:
    """Finish the work of a pass that died before it stored the weights, and undo what a failed deploy did to rules."""
    if are_same(live_shares(states), record.weights):
        _keep(slots, record.model, {slot: state.weight for slot, state in states.items()}, states)
    addressed = slots.balancer.addressed()
    for slot, state in states.items():
        if addressed[slot] != state.kept.version:
            slots.balancer.answer(slot, record.model, state.kept.version)


def _keep(slots: Slots, model: str, weights: Mapping[str, int], states: States) -> None:
    """Store these weights for the next deploy, so that it moves no traffic."""
    kept: dict[str, int] = {slot: state.kept.weight for slot, state in states.items()}
    if sum(kept.values()) and are_same(shares_of(kept, states), shares_of(weights, states)):
        return
    for slot, weight in rising_first(weights, kept):
        slots.parameters.keep_weight(model, slot, weight)


def _fall(slots: Slots, model: str, weights: Mapping[str, int], states: States) -> None:
    """Lower the candidate's share: parameters first. Traffic moves back even if they cannot be written."""
    try:
        _keep(slots, model, weights, states)
    except UnavailableError:
        slots.balancer.set_weights(weights)
        raise
    slots.balancer.set_weights(weights)


def _check_health(model: str, weights: Mapping[str, int], states: States) -> None:
    """Refuse to raise the weight of a slot with no healthy task while the other slot has one."""
    for slot, weight in weights.items():
        others = any(state.healthy for other, state in states.items() if other != slot)
        if weight > states[slot].weight and not states[slot].healthy and others:
            raise ConflictError(f"slot {slot} of {model} has no healthy task, so it gets no more traffic")
