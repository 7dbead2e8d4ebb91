"""The two slots of a heavy model, with everything that the controller speaks to."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from slipway.releases.controller.heavy import Result, SmokeTestResult
from slipway.releases.controller.listener import Health
from slipway.releases.controller.parameters import StoredSlot
from slipway.releases.controller.services import Tasks

_LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class Broken(BaseException):
    """What must be so at every moment is not; the controller must not catch this either."""


def insist(holds: object, otherwise: str) -> None:
    if not holds:
        raise Broken(otherwise)


@dataclass
class Slot:
    """One slot: what it should serve and what its tasks serve. New tasks take what is kept when they start."""

    weight: int
    kept_weight: int
    version: int = 1
    version_since: datetime = _LONG_AGO
    serves: int | None = 1
    addressed: int = 1
    desired: int = 2
    running: int = 2
    healthy: int = 2
    since: datetime = _LONG_AGO
    starting: bool = False


@dataclass
class Cloud:
    """A `Balancer`, `Services` and `Parameters` in one, with a try-out. `settle` lets what was begun come about."""

    now: datetime
    slots: dict[str, Slot] = field(default_factory=lambda: {"blue": Slot(100, 100), "green": Slot(0, 0, desired=1)})
    broken: frozenset[int] = frozenset()

    def weights(self) -> dict[str, int]:
        return {name: slot.weight for name, slot in self.slots.items()}

    def set_weights(self, weights: dict[str, int]) -> None:
        for name, slot in self.slots.items():
            slot.weight = weights[name]

    def health(self, slot: str) -> Health:
        return Health(self.slots[slot].healthy, self.slots[slot].running)

    def addressed(self) -> dict[str, int]:
        return {name: slot.addressed for name, slot in self.slots.items()}

    def answer(self, slot: str, model: str, version: int) -> None:
        self.slots[slot].addressed = version

    def tasks(self) -> dict[str, Tasks]:
        return {name: Tasks(s.running, s.desired, s.starting, s.since) for name, s in self.slots.items()}

    def run(self, slot: str, count: int, *, renew: bool) -> None:
        found = self.slots[slot]
        insist(count or not found.weight, "tasks with traffic were stopped")
        found.desired = count
        if renew:
            found.since, found.starting = self.now, True

    def kept(self, model: str) -> dict[str, StoredSlot]:
        return {name: StoredSlot(s.version, s.version_since, s.kept_weight) for name, s in self.slots.items()}

    def keep_version(self, model: str, slot: str, version: int) -> None:
        found = self.slots[slot]
        insist(not found.weight, "the version of a slot with traffic was changed")
        found.version, found.version_since = version, self.now

    def keep_weight(self, model: str, slot: str, weight: int) -> None:
        self.slots[slot].kept_weight = weight

    def smoke_test(self, model: str, version: int) -> SmokeTestResult:
        slot = next(s for s in self.slots.values() if s.addressed == version)
        if slot.serves != version:
            return SmokeTestResult(Result.NOT_YET, "not there")
        return (
            SmokeTestResult(Result.FAILS, "status 500") if version in self.broken else SmokeTestResult(Result.ANSWERS)
        )

    def settle(self) -> None:
        for slot in self.slots.values():
            if slot.starting or slot.running < slot.desired:
                slot.serves = slot.version if slot.starting or not slot.running else slot.serves
            slot.running = slot.healthy = slot.desired
            slot.starting = False
            slot.serves = slot.serves if slot.running else None

    def shares(self) -> dict[int, float]:
        """By what tasks serve, and not by what the parameters say."""
        total = sum(slot.weight for slot in self.slots.values())
        insist(total, "nothing has any weight")
        found: dict[int, float] = {}
        for slot in self.slots.values():
            if slot.weight:
                insist(slot.healthy, "traffic goes where nothing is healthy")
                insist(slot.serves, "traffic goes to no version")
                assert slot.serves is not None
                found[slot.serves] = found.get(slot.serves, 0.0) + slot.weight / total
        return found
