"""A world to release in: slots and services with state, traffic that has an effect, and faults on demand."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta

from fakes.releases import MemoryReleaseStore
from fakes.slots import Cloud, insist
from fakes.surroundings import MemoryFilters, Subscribers

from slipway.config.releases.options import Interleave, Shadow
from slipway.config.releases.shadow import ShadowNames
from slipway.releases.controller.heavy import HeavyTier, Slots
from slipway.releases.controller.light import LightTier
from slipway.releases.controller.reconciler import Controller, World
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.tallies import Reference, Tally, Window
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.shadow.log_shadows import LogShadows
from support.faults import Faults, Faulty, Killed
from support.releases.records import NOW

REQUESTS = 60_000.0
MODEL = "sentiment"


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


class Stage:
    """A whole world of one model, with its controller; ``fails`` is what the candidate's requests fail."""

    def __init__(self, tier: str, *, fails: float = 0.0) -> None:
        self.tier = tier
        self.cloud = Cloud(NOW)
        self.store = MemoryReleaseStore()
        self.subscribers = Subscribers()
        self.logs = MemoryFilters()
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
