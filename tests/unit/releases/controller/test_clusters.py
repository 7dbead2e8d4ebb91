"""The guards by bucket in a pass: what they add is stored, and without the logs the release goes on."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from support.releases.records import NOW, make_release
from support.releases.stage import MODEL, Stage

from slipway.config.releases.options import AbTest
from slipway.releases.controller.reconciler import Controller
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.clusters import clusters
from slipway.releases.evidence.log_clusters import CountedWindows
from slipway.releases.evidence.tallies import Window
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import OperatorOrder, Phase


@dataclass
class Lines:
    """A `ClusterReader` with one failure of ten requests in bucket 5 in each window."""

    holds: bool = False
    problems: tuple[str, ...] = ()
    asked: list[tuple[Window, ...]] = field(default_factory=list)

    def with_clusters(self, record: ReleaseRecord, windows: tuple[Window, ...]) -> CountedWindows:
        self.asked.append(windows)
        if self.holds:
            return CountedWindows(())
        if self.problems:
            return CountedWindows(windows, self.problems)
        added = {2: {keys.ERRORS: clusters({5: (10, 1)})}}
        return CountedWindows(tuple(replace(window, clusters=added) for window in windows))


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def staged(lines: Lines) -> Stage:
    made = Stage("light")
    made.store.start(make_release(MODEL, options=AbTest(sticky="user", metric="accuracy"), labels=(), now=NOW))
    world = replace(made.controller._world, clusters=lines)
    made.controller = Controller(made.store, world, lambda: made.cloud.now)
    while made.record.phase is not Phase.RUNNING:
        made.tick()
    lines.asked.clear()
    return made


def test_what_a_look_adds_is_kept_in_the_record(staged: Stage) -> None:
    before = staged.record.clustered(2, keys.ERRORS)
    for _ in range(3):
        staged.tick()
    kept = staged.record.clustered(2, keys.ERRORS)
    assert kept is not None
    # Of many outcomes, guards forget a thirtieth in each minute.
    assert kept.n[5] - (before.n[5] if before else 0) == pytest.approx(30, rel=0.1)
    assert sum(kept.total) == pytest.approx(kept.n[5] / 10)
    assert staged.record.judged_until == staged.cloud.now


def test_windows_that_are_held_are_read_again_by_the_next_pass(staged: Stage, lines: Lines) -> None:
    until, lines.holds = staged.record.judged_until, True
    staged.tick()
    assert staged.record.judged_until == until
    lines.holds = False
    staged.tick()
    assert staged.record.judged_until == staged.cloud.now
    assert [windows[0].start for windows in lines.asked] == [until] * 2


def test_without_the_logs_the_release_goes_on_and_the_pass_says_why(staged: Stage, lines: Lines) -> None:
    lines.problems = ("CloudWatch Logs is unavailable: no answer",)
    staged.cloud.now += timedelta(minutes=1)
    (done,) = staged.controller.tick([MODEL])
    assert done.errors == lines.problems
    assert done.record.judged_until == staged.cloud.now


def test_neither_an_order_nor_a_look_without_effects_asks_the_logs(staged: Stage, lines: Lines) -> None:
    lines.problems = ("CloudWatch Logs is unavailable: no answer",)
    staged.cloud.now += timedelta(minutes=1)
    assert staged.controller.observe(staged.record).windows
    done = staged.controller.order(MODEL, OperatorOrder(action="rollback", by="ann", at=staged.cloud.now))
    assert (done.record.phase, done.errors) == (Phase.ROLLED_BACK, ())
    assert lines.asked == []
