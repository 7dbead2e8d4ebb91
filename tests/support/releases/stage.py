"""A world to release in: slots and services with state, traffic that has an effect, and faults on demand."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fakes.releases import MemoryReleaseStore

from slipway.config.releases import Interleave, Shadow
from slipway.config.shadow import ShadowNames
from slipway.releases.controller.heavy import HeavyTier, Result, Slots, SmokeTestResult
from slipway.releases.controller.light import LightTier
from slipway.releases.controller.listener import Health
from slipway.releases.controller.parameters import StoredSlot
from slipway.releases.controller.reconciler import Controller, World
from slipway.releases.controller.services import Tasks
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.tallies import Reference, Tally, Window
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import HistoryEntry
from slipway.releases.shadow.log_shadows import LogShadows
from support.faults import Faults, Faulty, Killed, insist
from support.releases.records import NOW

SLOTS = ("blue", "green")
REQUESTS = 60_000.0
MODEL = "sentiment"


@dataclass
class Slot:
    """One slot: what it should serve and what its tasks serve. New tasks take what is kept when they start."""

    weight: int
    kept_weight: int
    version: int = 1
    version_since: datetime = NOW - timedelta(days=1)
    serves: int | None = 1
    addressed: int = 1
    desired: int = 2
    running: int = 2
    healthy: int = 2
    since: datetime = NOW - timedelta(hours=12)
    starting: bool = False


@dataclass
class Cloud:
    """Two slots behind a load balancer, as `HeavyTier` speaks to them. `settle` lets what was begun come about."""

    now: datetime = NOW
    slots: dict[str, Slot] = field(default_factory=lambda: {"blue": Slot(100, 100), "green": Slot(0, 0, desired=1)})
    broken: frozenset[int] = frozenset()

    def weights(self) -> dict[str, int]:
        return {name: slot.weight for name, slot in self.slots.items()}

    def set_weights(self, weights: dict[str, int]) -> None:
        for name, slot in self.slots.items():
            slot.weight = weights[name]

    def health(self, slot: str) -> Health:
        return Health(self.slots[slot].healthy, self.slots[slot].running)

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


@dataclass
class Metrics:
    """What versions did: ``fails`` is a candidate's share of failures, ``rewards`` and the rest as keyed."""

    shares: Callable[[], dict[int, float]]
    fails: float = 0.0
    rewards: tuple[float, float] = (0.1, 0.2)

    def windows(self, record: ReleaseRecord, now: datetime) -> tuple[Window, ...]:
        start = record.judged_until
        if now <= start:
            return ()
        minutes = (now - start).total_seconds() / 60
        arms = {v: self._arm(record, v, share * REQUESTS * minutes) for v, share in self.shares().items() if share}
        match record.options:
            case Shadow():
                n = REQUESTS * minutes
                arms |= {v: self._arm(record, v, n) | {keys.AGREEMENT: Tally(n, 0)} for v in record.candidates}
            case Interleave():
                won = 0.2 if self.fails else 0.8
                # Both rank every request, and differ in nothing but whose items are clicked.
                same = self._arm(record, record.stable, REQUESTS * minutes)
                arms[record.candidates[0]] = {**same, keys.PREFERRED: Tally(REQUESTS, REQUESTS * won)}
        return (Window(start, now, arms),)

    def _arm(self, record: ReleaseRecord, version: int, n: float) -> dict[str, Tally]:
        fails, reward = (0.001, self.rewards[0]) if version == record.stable else (self.fails, self.rewards[1])
        n = round(n)
        slow = {key: Tally(n, n * share) for key, share in ((keys.P50, 0.3), (keys.P99, 0.004)) if record.limits}
        return {keys.ERRORS: Tally(n, n * fails), keys.REWARD: Tally(n / 10, n / 10 * reward), **slow}

    def reference(self, record: ReleaseRecord, now: datetime) -> Reference:
        return Reference(20.0, 60.0, {keys.ERRORS: Tally(REQUESTS * 30, REQUESTS * 0.03)})

    def alarms(self, names: Sequence[str]) -> dict[str, bool]:
        return dict.fromkeys(names, False)


@dataclass
class Subscribers:
    """Whom the controller told what."""

    told: list[tuple[str, str]] = field(default_factory=list)

    def tell(self, record: ReleaseRecord, entries: Sequence[HistoryEntry]) -> None:
        self.told += [(record.id, entry.what) for entry in entries]


@dataclass
class Logs:
    """Log groups, and the function that is handed the lines of each."""

    functions: dict[str, str] = field(default_factory=dict)

    def function(self, group: str) -> str | None:
        return self.functions.get(group)

    def put(self, group: str, function: str) -> None:
        self.functions[group] = function

    def delete(self, group: str) -> None:
        self.functions.pop(group, None)


class Stage:
    """A whole world of one model, with its controller; ``fails`` is what the candidate's requests fail."""

    def __init__(self, tier: str, *, fails: float = 0.0) -> None:
        self.tier = tier
        self.cloud = Cloud()
        self.store = MemoryReleaseStore()
        self.subscribers = Subscribers()
        self.logs = Logs()
        self.metrics = Metrics(self.shares, fails, rewards=(0.1, 0.02) if fails else (0.1, 0.2))
        self.faults = Faults(check=self.check)
        faulty = Faulty(self.cloud, self.faults)
        slots = Slots(faulty, faulty, faulty, Faulty(self.cloud.smoke_test, self.faults))
        tiers = {"heavy": HeavyTier(lambda _: slots), "light": LightTier({MODEL: (1, 2, 3)})}
        store, told = Faulty(self.store, self.faults), Faulty(self.subscribers, self.faults)
        shadows = LogShadows(ShadowNames("shadow", {MODEL: "logs"}), Faulty(self.logs, self.faults), store)
        world = World(tiers, Faulty(self.metrics, self.faults), shadows, told)
        self.controller = Controller(store, world, lambda: self.cloud.now)

    def copy(self) -> "Stage":
        """Another one in the same state."""
        other = Stage(self.tier, fails=self.metrics.fails)
        other.cloud.now, other.cloud.slots = self.cloud.now, deepcopy(self.cloud.slots)
        other.cloud.broken = self.cloud.broken
        other.store.__dict__.update(deepcopy(self.store.__dict__))
        other.subscribers.__dict__.update(deepcopy(self.subscribers.__dict__))
        other.logs.functions = dict(self.logs.functions)
        return other

    @property
    def record(self) -> ReleaseRecord:
        return self.store.current([MODEL])[0]

    def shares(self) -> dict[int, float]:
        """What each version answers now, wherever that is decided."""
        if self.tier == "heavy":
            return self.cloud.shares()
        release = self.store.serving([MODEL])[MODEL].release
        candidates = {each.version: each.share for each in release.candidates}
        return {release.stable: 1 - release.candidate_share, **candidates}

    def check(self) -> None:
        """What must be so at every moment."""
        if self.tier == "light" or not self.store.current([MODEL]):
            return
        record, live = self.record, self.cloud.shares()
        most = 0.006 + max(record.weights.get(2, 0.0), record.weights_before.get(2, 0.0))
        insist(live.get(2, 0.0) <= most, "the candidate has more than any record wants")
        kept = {name: slot.kept_weight for name, slot in self.cloud.slots.items()}
        insist(sum(kept.values()), "the next deploy would leave nobody with any weight")
        if self.faults.error is not Killed:
            return  # a parameter that cannot be written does not keep traffic from going back
        after_deploy = sum(kept[n] for n, s in self.cloud.slots.items() if s.serves == 2) / sum(kept.values())
        insist(after_deploy <= live.get(2, 0.0) + 0.006, "the next deploy would give the candidate more")

    def tick(self) -> None:
        """A minute passes, then the controller looks."""
        self.cloud.now += timedelta(minutes=1)
        self.cloud.settle()
        self.controller.tick([MODEL])
        self.check()

    def run(self, most: int = 60) -> int:
        """Tick until the release is settled; says how often."""
        for ticks in range(1, most + 1):
            self.tick()
            if self.record.settled:
                return ticks
        raise AssertionError(f"{self.record.phase} after {most} passes: {self.record.history[-1]}")
