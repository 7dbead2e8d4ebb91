"""What a look at an interleaving adds to the counts of the sign test."""

from datetime import timedelta

import pytest
from support.releases.records import NOW, make_release

from slipway.config.releases.options import Canary, Interleave
from slipway.monitoring.feedback.prediction_ids import release_tag
from slipway.releases.evidence.preferences import with_preferences
from slipway.releases.evidence.tallies import Evidence, Observed, Tally, Window
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.statistics.sign_test import SignTest
from slipway.releases.strategies.analysis import analyze
from slipway.releases.strategies.experiments import sign_test


class Wins:
    """Counters as they are at one moment."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.now: dict[int, int] = {}

    def wins(self, model: str, release: str) -> dict[int, int]:
        return self.now if (model, release) == ("sentiment", self.tag) else {}


def window(minute: int) -> Window:
    start = NOW + timedelta(minutes=minute)
    return Window(start, start + timedelta(minutes=1), {1: {"errors": Tally(9, 0)}})


@pytest.fixture
def record() -> ReleaseRecord:
    return make_release(options=Interleave())


def test_every_look_brings_the_counts_to_what_they_are(record: ReleaseRecord) -> None:
    counters = Wins(release_tag(record.salt))
    shown = 0
    looks = [(10, {}), (5, {2: 4, 1: 1}), (0, {2: 3, 1: 3}), (3, {2: 3, 1: 2}), (0, {2: 0, 1: 1})]
    for minute, (more, wins) in enumerate(looks):
        shown, counters.now = shown + more, wins
        last = with_preferences(record, window(minute), counters, more)
        assert last.arms[1] == {"errors": Tally(9, 0)}
        record = analyze(record, Evidence(Observed(), (last,))).record
        won, lost = wins.get(2, 0), wins.get(1, 0)
        assert sign_test(record) == SignTest(won, lost, shown - won - lost)


def test_clicks_may_be_counted_before_their_impressions(record: ReleaseRecord) -> None:
    counters = Wins(release_tag(record.salt))
    counters.now = {2: 3}
    record = analyze(record, Evidence(Observed(), (with_preferences(record, window(0), counters, 1),))).record
    assert sign_test(record) == SignTest(3, 0, 0)
    record = analyze(record, Evidence(Observed(), (with_preferences(record, window(1), counters, 6),))).record
    assert sign_test(record) == SignTest(3, 0, 4)


def test_other_strategies_have_no_preferences() -> None:
    seen = window(0)
    assert with_preferences(make_release(options=Canary()), seen, Wins(""), 5) is seen
