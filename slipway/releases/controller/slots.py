"""The state of a heavy model's two slots as a value: their versions, their weights and their readiness."""

from collections.abc import Mapping
from dataclasses import dataclass

from slipway.errors import ConflictError
from slipway.releases.controller.parameters import StoredSlot
from slipway.releases.controller.services import Tasks
from slipway.releases.evidence.tallies import SAME_SHARE, Readiness

_HUNDRED = 100
_FINE = 999  # the load balancer's largest weight
Weights = Mapping[str, int]
Shares = Mapping[int, float]


@dataclass(frozen=True, slots=True)
class SlotState:
    """One slot: its live weight, its stored parameters, its tasks, and the number of healthy ones."""

    weight: int
    kept: StoredSlot
    tasks: Tasks
    healthy: int

    @property
    def is_stale(self) -> bool:
        """Whether its tasks started before its version was set."""
        return self.tasks.since is None or self.tasks.since < self.kept.since

    @property
    def is_up(self) -> bool:
        """Whether every desired task runs, is healthy and serves the slot's version."""
        tasks = self.tasks
        settled = not tasks.deploying and tasks.running >= tasks.desired > 0
        return not self.is_stale and settled and self.healthy >= tasks.desired


States = Mapping[str, SlotState]


def home(states: States, version: int) -> str | None:
    """The slot that serves a version, or None. If both do, the one with more weight."""
    slots = [slot for slot, state in states.items() if state.kept.version == version]
    return max(slots, key=lambda slot: states[slot].weight, default=None)


def desired_tasks(states: States) -> dict[int, int]:
    """The desired tasks of each version, in the slot that serves it."""
    slots = {state.kept.version: home(states, state.kept.version) for state in states.values()}
    return {version: states[slot].tasks.desired for version, slot in slots.items() if slot is not None}


def wanted_tasks(state: SlotState) -> int:
    """How many tasks of a slot should be healthy: all desired ones, and at least one if the slot has traffic.

    A slot without traffic whose tasks are still starting has none to show yet.
    """
    if state.weight:
        return max(1, state.tasks.desired)
    return 0 if state.tasks.deploying else state.tasks.desired


def idle_slot(states: States, stable: int) -> str:
    """The candidate's slot: the one that does not serve the stable version.

    Raises:
        ConflictError: no slot serves the stable version, so no slot is known to be idle.
    """
    taken = home(states, stable)
    if taken is None:
        served = ", ".join(f"{slot} serves {state.kept.version}" for slot, state in states.items())
        raise ConflictError(f"no slot serves the stable version {stable} ({served}), so none is idle")
    return next(slot for slot in states if slot != taken)


def live_shares(states: States) -> dict[int, float]:
    """The share of requests that each version gets now."""
    return shares_of({slot: state.weight for slot, state in states.items()}, states)


def shares_of(weights: Weights, states: States) -> dict[int, float]:
    """The share of each version under these slot weights."""
    total = sum(weights.values())
    shares: dict[int, float] = {}
    for slot, state in states.items():
        version = state.kept.version
        shares[version] = shares.get(version, 0.0) + (weights[slot] / total if total else 0.0)
    return shares


def are_same(one: Shares, other: Shares) -> bool:
    """Whether two sets of shares are equal within the rounding of whole weights."""
    return all(abs(one.get(v, 0.0) - other.get(v, 0.0)) <= SAME_SHARE for v in {*one, *other})


def weights_for(states: States, shares: Shares) -> dict[str, int]:
    """The integer weights that give each version its share; percentages if all shares are whole percents.

    Raises:
        ConflictError: a version should get traffic but has no slot.
    """
    by_slot = dict.fromkeys(states, 0.0)
    for version, share in shares.items():
        slot = home(states, version)
        if slot is not None:
            by_slot[slot] += share
        elif share > 0:
            raise ConflictError(f"version {version} is in no slot, and is to get {100 * share:g} % of the traffic")
    exact = all(abs(_HUNDRED * share - round(_HUNDRED * share)) < 1e-6 for share in by_slot.values())
    scale = _HUNDRED if exact else _FINE
    return {slot: round(scale * share) for slot, share in by_slot.items()}


def rising_first(weights: Weights, before: Weights) -> list[tuple[str, int]]:
    """The changed weights, increases first, so that setting them one by one never leaves all at zero."""
    changed = [(slot, weight) for slot, weight in weights.items() if weight != before[slot]]
    return sorted(changed, key=lambda each: each[1] < before[each[0]])


def readiness(states: States, version: int) -> Readiness:
    """The readiness of a version before its smoke test."""
    slot = home(states, version)
    if slot is None:
        return Readiness.ABSENT
    state = states[slot]
    if not state.tasks.desired and not state.tasks.running:
        return Readiness.ABSENT
    if not state.is_stale and state.tasks.problem:
        return Readiness.FAILED
    return Readiness.READY if state.is_up else Readiness.WAITING
