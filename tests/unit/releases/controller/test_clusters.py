"""The guards by bucket in a pass: what they add is stored, and without the logs the release goes on."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from support.releases.records import NOW, make_release
from support.releases.stage import MODEL, Stage

from slipway.config.releases import AbTest
from slipway.errors import UnavailableError
from slipway.releases.controller.reconciler import Controller
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.clusters import clusters
from slipway.releases.evidence.tallies import Window
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import OperatorOrder, Phase


@dataclass
class Lines:
    """A `ClusterReader` with one failure of ten requests in bucket 5 in each window."""

    is_down: bool = False
    asked: list[Window] = field(default_factory=list)

    def with_clusters(self, record: ReleaseRecord, last: Window) -> Window:
        self.asked.append(last)
        if self.is_down:
            raise UnavailableError("CloudWatch Logs", "no answer")
        return replace(last, clusters={2: {keys.ERRORS: clusters({5: (10, 1)})}}, clusters_until=last.end)


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
    assert (kept.n[5] - (before.n[5] if before else 0), sum(kept.total)) == (30, kept.n[5] / 10)
    assert staged.record.clusters_until == staged.record.judged_until == staged.cloud.now


def test_without_the_logs_the_release_goes_on_and_the_pass_says_why(staged: Stage, lines: Lines) -> None:
    until = staged.record.clusters_until
    lines.is_down = True
    staged.cloud.now += timedelta(minutes=1)
    (done,) = staged.controller.tick([MODEL])
    assert done.errors == ("CloudWatch Logs is unavailable: no answer",)
    assert done.record.judged_until == staged.cloud.now
    assert done.record.clusters_until == until


def test_neither_an_order_nor_a_look_without_effects_asks_the_logs(staged: Stage, lines: Lines) -> None:
    lines.is_down = True
    staged.cloud.now += timedelta(minutes=1)
    assert staged.controller.observe(staged.record).windows
    done = staged.controller.order(MODEL, OperatorOrder(action="rollback", by="ann", at=staged.cloud.now))
    assert (done.record.phase, done.errors) == (Phase.ROLLED_BACK, ())
    assert lines.asked == []
