"""Run the decision against simulated traffic, in many runs at once.

Every run has its own record, and only `decide` advances it. For speed, the bets of all runs are computed together, and
`decide` is called for a run only on news: a verdict, a completed step or the deadline. Windows in between are added to
its record as `decide` would add them; a test compares the result with calling `decide` on every window.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from slipway.config.releases.options import AbTest, Bandit, Interleave, JudgeConfig, Options, Shadow
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.tallies import Clusters, Evidence, Observed, Readiness, Reference, Tally, Window
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.simulation.experiment_screen import ExperimentScreen
from slipway.releases.simulation.progressive_screen import Flags, ProgressiveScreen
from slipway.releases.simulation.scenarios import STABLE, Scenario
from slipway.releases.simulation.start import START, started_records
from slipway.releases.simulation.traffic.arrivals import Arrivals
from slipway.releases.simulation.traffic.streams import Counts, Measured, added_up
from slipway.releases.statistics.judge import Outcome, Verdict
from slipway.releases.strategies.decide import acknowledged, decide
from slipway.statistics.betting import Array


@dataclass(frozen=True, slots=True)
class Setting:
    """The options of a simulated release. Windows last ``look_minutes`` and are seen ``lag_minutes`` late."""

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
    """The end of one run: its last record, the verdict that ended it, and the number of minutes with traffic.

    ``harmed`` is the number of requests that the candidates failed, and ``requests`` the number of requests to each
    version. ``suspected`` is the minute at which a candidate was first found worse in any metric.
    """

    record: ReleaseRecord
    verdict: Verdict | None
    minutes: float
    harmed: float
    requests: Mapping[int, float]
    suspected: float | None = None

    @property
    def outcome(self) -> Outcome | None:
        """The outcome that ended the run, or None."""
        return self.verdict.outcome if self.verdict else None

    @property
    def total(self) -> float:
        """The number of requests to the model, including those that shadows scored."""
        return sum(self.requests.values())

    @property
    def served(self) -> float:
        """The number of requests to the candidates."""
        return self.total - self.requests[STABLE]


def simulate(scenario: Scenario, setting: Setting) -> list[Run]:
    """Simulate the release in every run."""
    simulation = _Simulation.of(scenario, setting)
    for tick in range(round(setting.hours * 60 / setting.look_minutes)):
        if not simulation.live.any():
            break
        simulation.look(tick * setting.look_minutes)
    return simulation.ended_runs()


@dataclass(slots=True)
class _Simulation:
    """The state of all runs, and the drawn windows that are not seen yet."""

    scenario: Scenario
    setting: Setting
    arrivals: Arrivals
    screen: ProgressiveScreen | ExperimentScreen | None
    records: list[ReleaseRecord]
    verdicts: list[Verdict | None]
    suspected: list[float | None]
    rng: np.random.Generator
    ended: Array
    harmed: Array
    requests: dict[int, Array]
    unseen: deque[tuple[datetime, dict[int, Counts]]] = field(default_factory=deque)

    @classmethod
    def of(cls, scenario: Scenario, setting: Setting) -> "_Simulation":
        """Start at the moment when the candidates get their first traffic."""
        runs, rng = setting.runs, np.random.default_rng(setting.seed)
        behaviours = {STABLE: scenario.stable, **dict(zip(scenario.versions, scenario.candidates, strict=True))}
        arrivals = Arrivals.of(rng, behaviours, scenario.traffic, setting.options, runs)
        options, judge = setting.options, setting.judge
        records = started_records(scenario, options, judge, arrivals.past, asked_every_time=setting.asked_every_time)
        arrivals.measure({version: _measured(records, version) for version in behaviours})
        return cls(
            scenario=scenario,
            setting=setting,
            arrivals=arrivals,
            screen=_screen(records, setting),
            records=records,
            verdicts=[None for _ in range(runs)],
            suspected=[None for _ in range(runs)],
            rng=rng,
            ended=np.zeros(runs),
            harmed=np.zeros(runs),
            requests={version: np.zeros(runs) for version in behaviours},
        )

    @property
    def live(self) -> Flags:
        """Flags for the runs that have not ended."""
        return np.array([not record.phase.ended for record in self.records])

    def look(self, minute: float) -> None:
        """Draw the traffic of a window, and decide on the newest window that can be seen."""
        live, setting = self.live, self.setting
        self.unseen.append((START + timedelta(minutes=minute), self._draw(live, minute)))
        if len(self.unseen) > round(setting.lag_minutes / setting.look_minutes):
            self._decide(live, minute + setting.look_minutes)

    def ended_runs(self) -> list[Run]:
        """The result of every run at this point."""
        ended = np.where(self.ended > 0, self.ended, self.setting.hours * 60)
        requests = [{v: float(n[run]) for v, n in self.requests.items()} for run in range(self.setting.runs)]
        columns = (self.records, self.verdicts, ended.tolist(), self.harmed.tolist(), requests, self.suspected)
        return [Run(*values) for values in zip(*columns, strict=True)]

    def _draw(self, live: Flags, minute: float) -> dict[int, Counts]:
        """Draw a window and keep account of its requests; a silent candidate's counts stay unseen."""
        shares = np.array([record.shares for record in self.records]).T * live
        stable = np.clip(live - shares.sum(axis=0), 0, 1)
        counts = self.arrivals.draw(self.rng, np.stack([stable, *shares]), minute, self.setting.look_minutes)
        for version, drawn in counts.items():
            requests, failed = drawn[keys.ERRORS]
            self.requests[version] += requests.sum(axis=1)
            # A shadow answers no caller, and an interleaving still answers when its candidate fails.
            if version != STABLE and not isinstance(self.setting.options, Shadow | Interleave):
                self.harmed += failed.sum(axis=1)
        if self.scenario.traffic.silent:
            counts |= {version: _nothing(counts[version]) for version in self.scenario.versions}
        return counts

    def _decide(self, live: Flags, minute: float) -> None:
        start, drawn = self.unseen.popleft()
        counts = {version: added_up(each) for version, each in drawn.items()}
        end = start + timedelta(minutes=self.setting.look_minutes)
        now = START + timedelta(minutes=minute)
        users = drawn if self.arrivals.clustered else {}
        ask = live
        if self.screen is not None:
            ask = live & self.screen.attention(counts, start, now, self.setting.look_minutes, users)
        for run in np.flatnonzero(ask).tolist():
            record = self.records[run] if self.screen is None else self.screen.folded(self.records[run], run, start)
            clusters = {v: _clusters(each, run) for v, each in users.items()}
            window = Window(start, end, {v: _tallies(each, run) for v, each in counts.items()}, clusters)
            decision = decide(record, Evidence(self._observed(), (window,), self._known(run)), now)
            self._follow(run, acknowledged(decision.record, decision.actions), decision.verdict, minute)

    def _follow(self, run: int, record: ReleaseRecord, verdict: Verdict | None, minute: float) -> None:
        """Continue a run from its decided record."""
        self.records[run] = record
        if self.suspected[run] is None and _is_suspected(verdict):
            self.suspected[run] = minute
            if isinstance(self.screen, ExperimentScreen):
                self.screen.found_worse(run)
        if record.phase.ended:
            self.verdicts[run] = verdict
            self.ended[run] = minute
        elif self.screen is not None:
            self.screen.follow(run, record)

    def _known(self, run: int) -> Reference:
        """The past that a decision needs: only a record without capital counts its minutes."""
        past = self.arrivals.past
        return past.limits(run) if self.records[run].capitals else past.reference(run)

    def _observed(self) -> Observed:
        versions = self.scenario.versions
        shadows = frozenset(versions if isinstance(self.setting.options, Shadow) else ())
        return Observed(dict.fromkeys(versions, Readiness.READY), shadows=shadows)


def _tallies(counts: Counts, run: int) -> dict[str, Tally]:
    return {key: Tally(float(n[run]), float(total[run])) for key, (n, total) in counts.items() if n[run]}


def _clusters(counts: Counts, run: int) -> dict[str, Clusters]:
    return {
        key: Clusters(tuple(n[run].tolist()), tuple(total[run].tolist()))
        for key, (n, total) in counts.items()
        if key != keys.TIES and n[run].any()
    }


def _nothing(counts: Counts) -> Counts:
    return {key: (np.zeros_like(n), np.zeros_like(total)) for key, (n, total) in counts.items()}


def _screen(records: Sequence[ReleaseRecord], setting: Setting) -> ProgressiveScreen | ExperimentScreen | None:
    """The screen that selects runs for a decision; None decides on all runs at every look."""
    if setting.asked_every_time:
        return None
    if isinstance(setting.options, Shadow | AbTest | Bandit | Interleave):
        return ExperimentScreen.of(records)
    return ProgressiveScreen.of(records)


def _measured(records: Sequence[ReleaseRecord], version: int) -> Measured:
    record, options = records[0], records[0].options
    limits = [each.latency_limits(version) for each in records]
    # A run whose past is too short for quantiles counts no latencies; no latency is over an infinite limit.
    latencies = {key: np.array([each.get(key, np.inf) for each in limits]) for key in (keys.P50, keys.P99)}
    return Measured(
        latencies=latencies if any(limits) else {},
        values=record.value_limits,
        reward_delay=options.delay_minutes if isinstance(options, Bandit) else None,
        shadow=isinstance(options, Shadow) and version != record.stable,
    )


def _is_suspected(verdict: Verdict | None) -> bool:
    return verdict is not None and any(finding.worse for finding in verdict.findings)
