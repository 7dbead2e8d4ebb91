"""The decision against simulated traffic, many runs at once.

Every run has a record of its own, and `decide` alone changes it. To be fast, the runs' bets are computed together, and
a run's decision is only asked for when something of it is new: a verdict, a step that is over, the deadline. What came
in meanwhile is put into its record as `decide` would have, which a test compares with asking every time.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from slipway.release_options import AbTest, Bandit, Interleave, JudgeConfig, Options, Shadow
from slipway.releases import evidence as keys
from slipway.releases.betting import Array
from slipway.releases.decide import acknowledged, decide
from slipway.releases.evidence import Evidence, Observed, Readiness, Reference, Tally, Window
from slipway.releases.judge import Outcome
from slipway.releases.phases import Phase
from slipway.releases.record import ReleaseRecord, new_record
from slipway.releases.screen import Flags, Screen
from slipway.releases.traffic import Behaviour, Counts, Stream, Traffic, impressions, reference

_START = datetime(2026, 1, 1, tzinfo=UTC)
STABLE = 1


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is released into what traffic: the candidates beside the stable version."""

    name: str
    candidates: tuple[Behaviour, ...]
    stable: Behaviour = field(default_factory=Behaviour)
    traffic: Traffic = field(default_factory=Traffic)
    harmful: bool = False

    @property
    def versions(self) -> tuple[int, ...]:
        """The candidates' numbers."""
        return tuple(range(STABLE + 1, STABLE + 1 + len(self.candidates)))


@dataclass(frozen=True, slots=True)
class Setting:
    """How it is released and looked at: windows of ``look_minutes``, which are seen ``lag_minutes`` late."""

    options: Options
    judge: JudgeConfig = field(default_factory=JudgeConfig)
    runs: int = 1000
    hours: float = 24
    look_minutes: float = 1.0
    lag_minutes: float = 1.0
    seed: int = 0
    asked_every_time: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """How one run ended: the last record, the outcome that ended it, and after how many minutes with traffic.

    ``harmed`` are the requests that the candidates failed, out of ``served`` by them and ``total`` by all versions.
    """

    record: ReleaseRecord
    outcome: Outcome | None
    minutes: float
    harmed: float
    served: float
    total: float


def simulate(scenario: Scenario, setting: Setting) -> list[Run]:
    """Release in every run, and see what becomes of it."""
    simulation = _Simulation.of(scenario, setting)
    for tick in range(round(setting.hours * 60 / setting.look_minutes)):
        if not simulation.live.any():
            break
        simulation.look(tick * setting.look_minutes)
    return simulation.ended_runs()


@dataclass(slots=True)
class _Simulation:
    """All runs while they run, and what was drawn and not seen yet."""

    scenario: Scenario
    setting: Setting
    known: Reference
    streams: dict[int, Stream]
    screen: Screen | None
    records: list[ReleaseRecord]
    outcomes: list[Outcome | None]
    rng: np.random.Generator
    ended: Array
    harmed: Array
    served: Array
    total: Array
    unseen: deque[tuple[datetime, dict[int, Counts]]] = field(default_factory=deque)

    @classmethod
    def of(cls, scenario: Scenario, setting: Setting) -> "_Simulation":
        """At the moment at which the candidates get their first traffic."""
        known = reference(scenario.stable, scenario.traffic)
        record = _started(scenario, setting, known)
        behaviours = {STABLE: scenario.stable, **dict(zip(scenario.versions, scenario.candidates, strict=True))}
        streams = {
            version: Stream(does, scenario.traffic, record.latency_limits(version), setting.runs)
            for version, does in behaviours.items()
        }
        every = setting.asked_every_time or _is_experiment(setting.options)
        screen = None if every else Screen.of(record, setting.runs)
        records, outcomes = [record] * setting.runs, [None] * setting.runs
        ended, harmed, served, total = np.zeros((4, setting.runs))
        rng = np.random.default_rng(setting.seed)
        return cls(
            scenario, setting, known, streams, screen, records, list(outcomes), rng, ended, harmed, served, total
        )

    @property
    def live(self) -> Flags:
        """The runs that have not ended."""
        return np.array([not record.phase.ended for record in self.records])

    def look(self, minute: float) -> None:
        """Let the traffic of a window come, and decide on the newest window that can be seen."""
        live, setting = self.live, self.setting
        self.unseen.append((_START + timedelta(minutes=minute), self._draw(live, minute)))
        if len(self.unseen) > round(setting.lag_minutes / setting.look_minutes):
            self._decide(live, minute + setting.look_minutes)

    def ended_runs(self) -> list[Run]:
        """Every run as it stands."""
        ended = np.where(self.ended > 0, self.ended, self.setting.hours * 60)
        columns = (column.tolist() for column in (ended, self.harmed, self.served, self.total))
        return [Run(*values) for values in zip(self.records, self.outcomes, *columns, strict=True)]

    def _draw(self, live: Flags, minute: float) -> dict[int, Counts]:
        counts = {
            version: self.streams[version].draw(self.rng, share, minute, self.setting.look_minutes)
            for version, share in self._shares(live).items()
        }
        if isinstance(self.setting.options, Interleave):
            served = counts[STABLE][keys.ERRORS][0]
            candidate = self.scenario.candidates[0]
            counts[self.scenario.versions[0]] |= impressions(self.rng, candidate, self.scenario.traffic, served)
        for version, drawn in counts.items():
            requests, failed = drawn[keys.ERRORS]
            self.total += requests
            if version != STABLE:
                self.served += requests
                self.harmed += failed
        return counts

    def _shares(self, live: Flags) -> dict[int, Array]:
        """What each version answers, or scores, in each run."""
        versions = self.scenario.versions
        shares = np.array([record.shares for record in self.records]) * live[:, None]
        stable = np.clip(live - shares.sum(axis=1), 0, 1)
        if isinstance(self.setting.options, Shadow | Interleave):
            sample = self.setting.options.sample if isinstance(self.setting.options, Shadow) else 1.0
            return {STABLE: stable, **dict.fromkeys(versions, live * sample)}
        return {STABLE: stable, **dict(zip(versions, shares.T, strict=True))}

    def _decide(self, live: Flags, minute: float) -> None:
        start, counts = self.unseen.popleft()
        end = start + timedelta(minutes=self.setting.look_minutes)
        now = _START + timedelta(minutes=minute)
        ask = live if self.screen is None else live & self.screen.attention(counts, now, self.setting.look_minutes)
        for run in np.flatnonzero(ask).tolist():
            record = self.records[run] if self.screen is None else self.screen.folded(self.records[run], run, start)
            window = Window(start, end, {version: _tallies(each, run) for version, each in counts.items()})
            decision = decide(record, Evidence(self._observed(), (window,), self.known), now)
            self.records[run] = acknowledged(decision.record, decision.actions)
            if decision.record.phase.ended:
                self.outcomes[run] = decision.verdict.outcome if decision.verdict else None
                self.ended[run] = minute
            elif self.screen is not None:
                self.screen.follow(run, self.records[run])

    def _observed(self) -> Observed:
        versions = self.scenario.versions
        shadows = frozenset(versions if isinstance(self.setting.options, Shadow) else ())
        return Observed(dict.fromkeys(versions, Readiness.READY), shadows=shadows)


def _started(scenario: Scenario, setting: Setting, known: Reference) -> ReleaseRecord:
    """The release at the moment at which its candidates get their first traffic."""
    record = new_record(
        model="simulated",
        tier="light",
        stable=STABLE,
        candidates=scenario.versions,
        options=setting.options,
        judge=setting.judge,
        labels=tuple(scenario.stable.labels),
        now=_START,
        by="simulation",
    )
    observed = Observed(dict.fromkeys(scenario.versions, Readiness.READY))
    while record.phase in {Phase.PENDING, Phase.PREPARING}:
        record = decide(record, Evidence(observed, reference=known), _START).record
    return decide(record, Evidence(observed, reference=known), _START).record


def _tallies(counts: Counts, run: int) -> dict[str, Tally]:
    return {key: Tally(float(n[run]), float(total[run])) for key, (n, total) in counts.items() if n[run]}


def _is_experiment(options: Options) -> bool:
    return isinstance(options, Shadow | AbTest | Bandit | Interleave)
