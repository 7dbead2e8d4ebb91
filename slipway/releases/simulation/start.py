"""The start of all simulated runs: their records at the moment when the candidates get their first traffic."""

from datetime import UTC, datetime

import numpy as np

from slipway.config.releases.options import AllAtOnce, BlueGreen, JudgeConfig, Options
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.tallies import Evidence, Observed, Readiness, Reference
from slipway.releases.record.document import ReleaseRecord, new_record
from slipway.releases.record.phases import Phase
from slipway.releases.record.stored_evidence import StoredCapital
from slipway.releases.simulation.progressive_screen import columns
from slipway.releases.simulation.scenarios import STABLE, Scenario
from slipway.releases.simulation.traffic.past import Past
from slipway.releases.simulation.traffic.streams import Counts
from slipway.releases.statistics.capital import Capital
from slipway.releases.statistics.comparisons import Questions
from slipway.releases.strategies.analysis import capital_after_past, questions_of
from slipway.releases.strategies.decide import decide
from slipway.statistics.betting import Block

START = datetime(2026, 1, 1, tzinfo=UTC)


def started_records(
    scenario: Scenario, options: Options, judge: JudgeConfig, past: Past, *, asked_every_time: bool
) -> list[ReleaseRecord]:
    """The record of every run; unless `decide` is ``asked_every_time``, the past of all runs is counted together."""
    runs = len(past.known)
    if asked_every_time or isinstance(options, AllAtOnce | BlueGreen):  # which judge by the past from the start
        known = (past.reference(run) for run in range(runs))
        return [_judging(_begun(scenario, options, judge, each), each) for each in known]
    records = [_begun(scenario, options, judge, past.limits(run)) for run in range(runs)]
    capital, found = first_capitals(questions_of(records[0]), past), []
    for run, record in enumerate(records):
        stored = (StoredCapital.of(capital.of_run(run)),) * len(record.candidates)
        found.append(_judging(record.model_copy(update={"capitals": stored}), past.limits(run)))
    return found


def first_capitals(asked: Questions, past: Past) -> Capital:
    """The capital of all runs before their first window."""
    unknown = {keys.P50, keys.P99}
    known = np.array([row.metric not in unknown for row in asked.rows]) | past.known[:, None]
    blocks = [_block(minute, asked).where(known) for minute in past.minutes]
    return capital_after_past(asked, blocks, (len(past.known),))


def _block(minute: Counts, asked: Questions) -> Block:
    n, total = columns(minute, asked)
    none = np.zeros_like(n)
    return Block(none, none, n, total)


def _begun(scenario: Scenario, options: Options, judge: JudgeConfig, known: Reference) -> ReleaseRecord:
    record = new_record(
        model="simulated",
        tier="light",
        stable=STABLE,
        candidates=scenario.versions,
        options=options,
        judge=judge,
        labels=tuple(scenario.stable.labels),
        value_limits=scenario.stable.value_limits(),
        now=START,
        by="simulation",
    )
    evidence = Evidence(Observed(dict.fromkeys(scenario.versions, Readiness.READY)), reference=known)
    while record.phase in {Phase.PENDING, Phase.PREPARING}:
        record = decide(record, evidence, START).record
    return record


def _judging(record: ReleaseRecord, known: Reference) -> ReleaseRecord:
    """The record after its first look, which has seen nothing but the past."""
    observed = Observed(dict.fromkeys(record.candidates, Readiness.READY))
    return decide(record, Evidence(observed, reference=known), START).record
