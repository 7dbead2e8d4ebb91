"""Looks at releases in a world that does what it is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from slipway.config.releases.options import JudgeConfig, Options
from slipway.releases.evidence.tallies import Clusters, Evidence, Observed, Readiness, Reference, Tally, Window
from slipway.releases.record.document import ReleaseRecord, dump_record, load_record, new_record
from slipway.releases.record.phases import Phase
from slipway.releases.strategies.actions import Action, Notify, Prepare, Retire, RunShadows, SetShares
from slipway.releases.strategies.decide import Decision, acknowledged, decide

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Arms = Mapping[int, Mapping[str, Tally]]
ByBucket = Mapping[int, Mapping[str, Clusters]]


def started(
    options: Options,
    judge: JudgeConfig | None = None,
    *,
    tier: str = "light",
    arms: int = 1,
    value_limits: tuple[float, ...] = (),
    target_limits: Mapping[str, tuple[float, ...]] | None = None,
    watched: bool = False,
) -> ReleaseRecord:
    """A pending release. Most tests give the same traffic whatever the shares are; only ``watched`` ones mind that."""
    return new_record(
        model="m",
        tier="heavy" if tier == "heavy" else "light",
        stable=1,
        candidates=tuple(range(2, 2 + arms)),
        options=options,
        judge=judge or JudgeConfig(),
        labels=() if value_limits or target_limits else ("no", "yes"),
        value_limits=value_limits,
        target_limits=target_limits,
        cached=not watched,
        now=NOW,
        by="ada",
        reason="a better model",
    )


def arm(
    n: float, *, errors: float = 0.001, over: float = 0.3, slow: float = 0.003, yes: float = 0.5
) -> dict[str, Tally]:
    """What a version does in a window: the shares that fail, are over the limits of p50 and p99, and say yes."""
    shares = {"errors": errors, "p50": over, "p99": slow, "label:yes": yes, "label:no": 1 - yes, "score": 0.8}
    return {key: Tally(n, n * share) for key, share in shares.items()}


def stable_arm(n: float, **shares: float) -> dict[str, Tally]:
    """The same of the stable version, whose limits are its own quantiles."""
    return arm(n, **{"over": 0.5, "slow": 0.01, **shares})


# Twenty minutes of the stable version, which are all alike.
REFERENCE = Reference(20.0, 60.0, {"errors": Tally(60_000, 60)}, (stable_arm(3000),) * 20)


@dataclass
class World:
    """What the controller sees and moves: slots that get ready, an ALB with weights, shadows."""

    record: ReleaseRecord
    now: datetime = NOW
    shares: dict[int, float] | None = None
    readiness: dict[int, Readiness] = field(default_factory=dict)
    shadows: frozenset[int] = frozenset()
    down: frozenset[int] = frozenset()
    start_seconds: int = 0
    alarms: dict[str, bool] = field(default_factory=dict)
    reference: Reference | None = REFERENCE
    acted: list[Action] = field(default_factory=list)

    def look(
        self, arms: Arms | None = None, *, minutes: float = 1, act: bool = True, clusters: ByBucket | None = None
    ) -> Decision:
        """Let time pass with this traffic in it, decide, store the record and carry the actions out."""
        start, self.now = self.now, self.now + minutes * MINUTE
        windows = (Window(start, self.now, arms, clusters or {}),) if arms is not None else ()
        shares = dict(self.shares) if self.shares else None
        observed = Observed(
            dict(self.readiness), shares, self.shadows, down=self.down, start_seconds=self.start_seconds
        )
        decision = decide(self.record, Evidence(observed, windows, self.reference, self.alarms), self.now)
        self.record = load_record(dump_record(decision.record))
        if act:
            for action in decision.actions:
                self.carry_out(action)
            self.record = acknowledged(self.record, decision.actions)
        return decision

    def carry_out(self, action: Action) -> None:
        self.acted.append(action)
        match action:
            case Prepare(version):
                self.readiness[version] = Readiness.READY
            case SetShares(shares):
                self.shares = dict(shares)
            case RunShadows(versions):
                self.shadows = frozenset(versions)
            case Retire(version):
                self.readiness[version] = Readiness.ABSENT

    def run(self, arms: Arms | None = None, *, looks: int = 200, minutes: float = 1) -> ReleaseRecord:
        """Look until the release is settled."""
        for _ in range(looks):
            if self.record.settled:
                break
            self.look(arms if self.record.phase in {Phase.RUNNING, Phase.BAKING} else None, minutes=minutes)
        return self.record

    @property
    def phases(self) -> list[Phase]:
        """The phases that the release went through."""
        return list(dict.fromkeys(entry.phase for entry in self.record.history))


def light(options: Options, judge: JudgeConfig | None = None, *, arms: int = 1, watched: bool = False) -> World:
    """A light model: the versions are loaded, and traffic follows the record."""
    record = started(options, judge, arms=arms, watched=watched)
    return World(record, readiness=dict.fromkeys(record.candidates, Readiness.READY))


def heavy(options: Options, judge: JudgeConfig | None = None, *, watched: bool = False) -> World:
    """A heavy model: the idle slot has to be prepared, and traffic follows the ALB's weights."""
    record = started(options, judge, tier="heavy", watched=watched)
    return World(record, shares={1: 1.0}, readiness={1: Readiness.READY})


GOOD = {1: stable_arm(5000), 2: arm(1000)}
BAD = {1: stable_arm(5000), 2: arm(1000, errors=0.1)}
ALONE = {2: arm(6000)}
BOTH_FAIL = {1: stable_arm(5000, errors=0.6), 2: arm(1000, errors=0.6)}


def kinds(world: World) -> list[str]:
    return [type(action).__name__ for action in world.acted if not isinstance(action, Notify)]


def running(world: World) -> World:
    while world.record.phase not in {Phase.RUNNING, Phase.BAKING}:
        world.look()
    return world
