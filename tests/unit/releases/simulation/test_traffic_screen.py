"""The watch over all runs at once says of each run what `decide` would say of it."""

from datetime import timedelta

import numpy as np
import pytest
from support.releases.decisions import MINUTE, NOW, REFERENCE, light, running

from slipway.config.releases.options import AbTest, Canary, JudgeConfig, Options
from slipway.releases.evidence.tallies import Evidence, Observed, Readiness, Tally, Window
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.simulation.traffic_screen import TrafficScreen
from slipway.releases.strategies.decide import decide

RUNS = 12


def tallied(n: float) -> dict[str, Tally]:
    return {"errors": Tally(n, 0)} if n else {}


@pytest.mark.parametrize(("options", "arms"), [(Canary(share=0.05, bake_minutes=600), 1), (AbTest(), 1), (AbTest(), 2)])
@pytest.mark.parametrize("lost", [0.0, 0.3, 1.0])
def test_the_screen_keeps_what_decisions_keep_and_flags_what_is_new(options: Options, arms: int, lost: float) -> None:
    judge = JudgeConfig(deadline_minutes=2000, silent_minutes=4)
    record = running(light(options, judge, arms=arms, watched=True)).record
    screen, records = TrafficScreen.of(record, RUNS), [record] * RUNS
    for run in range(RUNS):
        screen.follow(run, record)
    rng = np.random.default_rng(1)
    observed = Observed(dict.fromkeys(record.candidates, Readiness.READY))
    flagged, told = set(), set()
    for minute in range(20):
        start = record.shares_since or NOW
        start += timedelta(minutes=minute)
        weights = np.array([list(each.weights.values()) for each in records])
        n = rng.poisson(200 * weights).astype(float)
        n[:, 1] = rng.binomial(n[:, 1].astype(int), 1 - lost)
        counts = {v: {"errors": (n[:, i], np.zeros(RUNS))} for i, v in enumerate(record.weights)}
        news = screen.attention(counts, start, 1.0, {})  # type: ignore[arg-type]  # of floats
        for run in range(RUNS):
            window = Window(start, start + MINUTE, {v: tallied(n[run, i]) for i, v in enumerate(record.weights)})
            before: ReleaseRecord = records[run]
            after = decide(before, Evidence(observed, (window,), REFERENCE), start + MINUTE).record
            if not before.phase.ended and (after.mismatched != before.mismatched or after.shares != before.shares):
                told.add((run, minute))
            if news[run]:
                flagged.add((run, minute))
            records[run] = after if not after.phase.ended else before
            screen.follow(run, records[run])
    assert told <= flagged
    assert bool(told) is (lost > 0)
    screen.before = screen.now  # as if another window came
    quiet = [run for run in range(RUNS) if (run, 19) not in flagged]
    assert [screen.folded(run)["traffic"] for run in quiet] == [records[run].traffic for run in quiet]
