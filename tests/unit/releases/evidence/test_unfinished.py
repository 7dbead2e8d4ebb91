"""What lost lines do: a log driver whose buffer is full drops some of the lines of attempts and of requests."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

import numpy as np
import pytest
from support.releases.decisions import MINUTE, NOW, World, started

from slipway.config.releases.options import Canary
from slipway.monitoring.telemetry import metrics
from slipway.releases.evidence.cloudwatch import window_of
from slipway.releases.evidence.queries import Query
from slipway.releases.evidence.tallies import Readiness
from slipway.releases.evidence.unfinished import without_lost_lines
from slipway.releases.record.phases import Phase

STABLE, CANDIDATE = 1, 2
REQUESTS = {STABLE: 5700, CANDIDATE: 300}
RUNS, MINUTES = 40, 30


def counted(chance: np.random.Generator, version: int, *, kept: float, hanging: int = 0) -> Mapping[str, float]:
    """The sums of a minute if each line arrives with the probability ``kept``; each attempt has lines of its own."""
    ended = REQUESTS[version]
    arrived = chance.binomial(ended + hanging, kept) - chance.binomial(ended, kept)
    return {metrics.REQUESTS: float(chance.binomial(ended, kept)), metrics.UNFINISHED: float(arrived)}


def release(seed: int, kept: Mapping[int, float], *, hanging: int = 0, believed: bool = False) -> Phase:
    """The phase of a heavy canary of 100 requests a second after half an hour; no request of it fails."""
    chance, values = np.random.default_rng(seed), defaultdict[Query, dict[datetime, float]](dict)
    world = World(started(Canary(bake_minutes=60), tier="heavy"), readiness={CANDIDATE: Readiness.READY})
    world.look()
    for minute in (NOW + MINUTE * number for number in range(MINUTES)):
        for version in REQUESTS:
            for name, count in counted(chance, version, kept=kept[version], hanging=hanging).items():
                values[Query(version, name)][minute] = count
        # While something is unfinished, a minute is judged when the next one is over.
        known = values if believed else without_lost_lines(world.record, values)
        world.look(window_of(world.record, known, minute - MINUTE).arms)
    return world.record.phase


def rolled_back(kept: Mapping[int, float], *, believed: bool = False) -> int:
    return sum(release(seed, kept, believed=believed) is Phase.ROLLED_BACK for seed in range(RUNS))


@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_lines_that_both_slots_lose_roll_hardly_anything_back(kept: float) -> None:
    assert rolled_back({1: kept, 2: kept}) <= RUNS / 20


@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_lines_that_the_candidate_alone_loses_seldom_roll_it_back(kept: float) -> None:
    assert rolled_back({1: 1.0, 2: kept}) <= RUNS / 6


def test_if_every_line_were_believed_they_would() -> None:
    assert rolled_back({1: 1.0, 2: 0.5}, believed=True) > RUNS / 2
    assert rolled_back({1: 0.5, 2: 0.5}, believed=True) > RUNS / 2


def test_without_lost_lines_a_candidate_that_hangs_is_found() -> None:
    assert release(0, {1: 1.0, 2: 1.0}, hanging=0) is not Phase.ROLLED_BACK
    assert release(0, {1: 1.0, 2: 1.0}, hanging=40) is Phase.ROLLED_BACK
