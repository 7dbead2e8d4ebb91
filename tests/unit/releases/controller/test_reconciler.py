"""The controller in a world with state: what it does, and what is left when it dies at any call."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from support.faults import Killed
from support.releases.records import NOW, make_release
from support.releases.stage import MODEL, Stage

from slipway.config.releases.options import (
    AbTest,
    AllAtOnce,
    Bandit,
    BlueGreen,
    Canary,
    Interleave,
    JudgeConfig,
    Linear,
    Options,
    Shadow,
)
from slipway.errors import ConflictError, UnavailableError
from slipway.releases.controller.reconciler import Controller
from slipway.releases.record.phases import OperatorOrder, Phase
from slipway.releases.strategies.actions import SetShares

STRATEGIES: dict[str, Options] = {
    "all-at-once": AllAtOnce(bake_minutes=1),
    "blue-green": BlueGreen(bake_minutes=1),
    "canary": Canary(share=0.2, bake_minutes=1, warm_minutes=1),
    "linear": Linear(step=0.5, step_minutes=1, warm_minutes=1),
    "shadow": Shadow(minutes=1),
    "ab": AbTest(promote_winner=True, warm_minutes=1),
    "bandit": Bandit(promote_winner=True, warm_minutes=1, update_minutes=1, delay_minutes=0, cycle_minutes=0),
    "interleave": Interleave(promote_winner=True, warm_minutes=1),
}


def stage(tier: str, strategy: str, *, fails: float = 0.0, **changes: Any) -> Stage:
    made = Stage(tier, fails=fails)
    options = STRATEGIES[strategy]
    release = make_release(MODEL, tier=tier, options=options, labels=(), now=NOW, judge=JudgeConfig(), **changes)
    made.store.start(release)
    return made


def cases() -> Iterator[tuple[str, str, float]]:
    for tier in ("light", "heavy"):
        for strategy in STRATEGIES:
            if (tier, strategy) != ("heavy", "interleave"):  # which `check_start` refuses
                yield from ((tier, strategy, fails) for fails in (0.0, 0.3))


def assert_ended(staged: Stage, *, fails: float) -> None:
    """What must be so at the end, whatever happened on the way."""
    record, shares = staged.record, staged.shares()
    bad = fails > 0 and record.options.strategy != "shadow"
    finished = record.options.strategy == "shadow"
    assert record.settled
    if finished:
        assert record.phase is Phase.FINISHED
    elif bad:
        assert record.phase in {Phase.ROLLED_BACK, Phase.FINISHED}
    else:
        assert record.phase is Phase.PROMOTED
    winner = 1 if bad or finished else 2
    assert shares.get(winner) == pytest.approx(1.0)
    assert staged.store.past(MODEL) == [record]
    assert not staged.logs.functions
    assert {what for _, what in staged.subscribers.told} == {entry.what for entry in record.history}
    if staged.tier == "heavy":
        for slot in staged.cloud.slots.values():
            assert slot.kept_weight == slot.weight
            # Shadows score elsewhere, and leave slots alone.
            assert finished or bool(slot.desired) == bool(slot.weight)


@pytest.mark.parametrize(("tier", "strategy", "fails"), list(cases()))
def test_every_strategy_comes_to_its_end(tier: str, strategy: str, fails: float) -> None:
    staged = stage(tier, strategy, fails=fails)
    staged.run()
    assert_ended(staged, fails=fails)
    told = [what for _, what in staged.subscribers.told]
    assert told == [entry.what for entry in staged.record.history]


def faults() -> Iterator[tuple[str, str, float, str]]:
    for tier, strategy, fails in cases():
        yield tier, strategy, fails, "killed"
        if strategy in {"blue-green", "canary"}:
            yield from ((tier, strategy, fails, kind) for kind in ("refused", "no answer"))


@pytest.mark.parametrize(("tier", "strategy", "fails", "kind"), list(faults()))
def test_failing_at_any_call_changes_nothing_of_the_end(tier: str, strategy: str, fails: float, kind: str) -> None:
    """For each call in turn: the process dies before it, which is after the one before; or the call alone fails."""
    first = stage(tier, strategy, fails=fails)
    for _ in range(60):
        before = first.copy()
        first.faults.calls = 0
        first.tick()
        for call in range(1, first.faults.calls + 1):
            staged = before.copy()
            error = Killed if kind == "killed" else UnavailableError
            staged.faults.at, staged.faults.calls = call, 0
            staged.faults.error, staged.faults.after = error, kind == "no answer"
            try:
                staged.tick()
            except (Killed, UnavailableError):
                staged.check()
            staged.faults.at = None
            if not staged.record.settled:
                staged.run()
            assert_ended(staged, fails=fails)
        if first.record.settled:
            return
    raise AssertionError("not settled")


def test_two_passes_at_once_do_not_act_twice() -> None:
    """The one that was overtaken between storing and acting leaves the world to the other."""
    staged = stage("heavy", "canary")
    while staged.record.phase is not Phase.RUNNING:
        staged.tick()
    record = staged.record
    evidence = staged.controller.observe(record)
    order = OperatorOrder(action="rollback", by="ann", at=staged.cloud.now)
    staged.controller.order(MODEL, order)
    assert staged.record.phase is Phase.ROLLED_BACK
    with pytest.raises(ConflictError, match="changed by somebody else"):
        staged.controller._act(record, [SetShares({1: 0.0, 2: 1.0}, evidence.observed.shares or {})])
    assert staged.cloud.shares() == {1: 1.0}


def test_an_order_on_another_release_is_refused() -> None:
    staged = stage("heavy", "canary")
    order = OperatorOrder(action="rollback", by="ann", at=NOW)
    with pytest.raises(ConflictError, match="earlier is over"):
        staged.controller.order(MODEL, order, "earlier")
    assert staged.record.phase is not Phase.ROLLED_BACK
    staged.controller.order(MODEL, order, staged.record.id)
    assert staged.record.phase is Phase.ROLLED_BACK


def test_a_rollback_by_order_needs_no_metrics() -> None:
    staged = stage("heavy", "canary")
    while staged.record.phase is not Phase.RUNNING:
        staged.tick()
    assert staged.cloud.shares()[2] == pytest.approx(0.2)
    staged.controller._world = replace(staged.controller._world, evidence=NoMetrics())
    done = staged.controller.order(MODEL, OperatorOrder(action="rollback", by="ann", at=NOW, why="complaints"))
    assert staged.cloud.shares() == {1: 1.0}
    assert "CloudWatch" in done.errors[0]
    assert staged.record.history[-1].by == "ann"
    staged.run()
    assert_ended(staged, fails=1.0)


@pytest.mark.parametrize("action", ["promote", "rollback"])
@pytest.mark.parametrize("tier", ["light", "heavy"])
def test_an_order_that_the_schedule_meets_first_is_carried_out_all_the_same(tier: str, action: Any) -> None:
    staged = stage(tier, "canary")
    while staged.record.phase is not Phase.RUNNING:
        staged.tick()
    world = staged.controller._world
    begun = len(staged.record.history)
    scheduled = Controller(staged.controller._store, world, staged.controller.now)
    evidence = Overtaking(world.evidence, lambda: scheduled.tick([MODEL]))
    staged.controller._world = replace(world, evidence=evidence)
    done = staged.controller.order(MODEL, OperatorOrder(action=action, by="ann", at=staged.cloud.now))
    assert evidence.times == 1
    assert done.errors == ()
    assert done.record.phase is (Phase.BAKING if action == "promote" else Phase.ROLLED_BACK)
    assert [entry.by for entry in done.record.history[begun:]] == ["ann"]


class Overtaking:
    """Evidence that takes as long as somebody else's pass, the first time."""

    def __init__(self, inner: Any, meanwhile: Callable[[], object]) -> None:
        self.inner = inner
        self.meanwhile = meanwhile
        self.times = 0

    def windows(self, *given: Any) -> Any:
        if not self.times:
            self.times = 1
            self.meanwhile()
        return self.inner.windows(*given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class NoMetrics:
    def windows(self, *_: object) -> Any:
        raise UnavailableError("CloudWatch", "no answer")

    reference = alarms = windows


def test_nothing_is_built_on_weights_that_somebody_else_set() -> None:
    staged = stage("heavy", "canary")
    while staged.record.phase is not Phase.RUNNING:
        staged.tick()
    staged.faults.check = lambda: None
    staged.cloud.set_weights({"blue": 50, "green": 50})
    staged.cloud.now += timedelta(minutes=1)
    staged.controller.tick([MODEL])
    assert staged.cloud.weights() == {"blue": 50, "green": 50}
    assert staged.record.conflict
    staged.cloud.set_weights({"blue": 80, "green": 20})
    staged.faults.check = staged.check
    staged.run()
    assert staged.record.phase is Phase.PROMOTED


def test_a_version_that_fails_its_trial_never_gets_traffic() -> None:
    staged = stage("heavy", "blue-green")
    staged.cloud.broken = frozenset({2})
    staged.run()
    assert staged.record.phase is Phase.ROLLED_BACK
    assert any("status 500" in line for entry in staged.record.history for line in entry.evidence)


def test_a_fault_of_one_release_stays_its_own() -> None:
    staged = stage("light", "canary")
    staged.store.start(make_release("other", tier="heavy", labels=()))
    staged.controller._world = replace(
        staged.controller._world, tiers={"light": staged.controller._world.tiers["light"]}
    )
    passes = staged.controller.tick(["other", MODEL])
    assert passes[0].errors
    assert not passes[1].errors
    assert staged.record.phase is Phase.PREPARING
