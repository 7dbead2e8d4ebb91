"""Who puts the scoring function to work, and that nothing is left of it: in the world of the controller's tests."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from fakes.releases import MemoryReleaseStore
from fakes.surroundings import MemoryFilters
from support.faults import Killed
from support.releases.records import make_release
from support.releases.stage import MODEL, Stage

from slipway.config.releases.options import AbTest, Shadow
from slipway.config.releases.shadow import ShadowNames
from slipway.errors import UnavailableError
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import OperatorOrder, Phase
from slipway.releases.shadow.log_shadows import LogShadows

LONG = Shadow(sample=0.5, minutes=600)


def shadowed(tier: str, *, candidates: tuple[int, ...] = (2,)) -> Stage:
    """A model whose shadows have just begun."""
    staged = Stage(tier)
    staged.store.start(make_release(MODEL, tier=tier, options=LONG, labels=(), candidates=candidates))
    while not staged.logs.functions:
        staged.tick()
    return staged


def order(staged: Stage, action: str) -> None:
    given = OperatorOrder.model_validate({"action": action, "by": "ann", "at": staged.cloud.now, "why": "seen enough"})
    staged.controller.order(MODEL, given)


@pytest.mark.parametrize("tier", ["light", "heavy"])
def test_shadows_take_no_traffic_and_no_slot(tier: str) -> None:
    staged = shadowed(tier, candidates=(2, 3))
    staged.tick()
    assert (staged.record.phase, staged.logs.functions) == (Phase.RUNNING, {"logs": "shadow"})
    assert staged.shares().get(1) == pytest.approx(1.0)
    assert not any(staged.shares().get(version) for version in (2, 3))
    slots = staged.cloud.slots["green"]
    assert (slots.version, slots.desired, slots.weight, slots.kept_weight) == (1, 1, 0, 0)
    serving = staged.store.serving([MODEL])[MODEL]
    assert serving.shadowing is not None
    assert serving.shadowing.sample == 0.5


@pytest.mark.parametrize("tier", ["light", "heavy"])
@pytest.mark.parametrize("action", ["rollback", "promote"])
def test_an_order_ends_shadows_wherever_the_pass_dies(tier: str, action: str) -> None:
    first = shadowed(tier)
    counted = first.copy()
    counted.faults.calls = 0
    order(counted, action)
    for call in range(1, counted.faults.calls + 1):
        staged = first.copy()
        staged.faults.at, staged.faults.calls = call, 0
        with pytest.raises(Killed):
            order(staged, action)
        staged.faults.at = None
        if staged.record.order is None and not staged.record.phase.ended and staged.record.phase is Phase.RUNNING:
            order(staged, action)  # it died before it had written the order down
        staged.run()
        winner = 2 if action == "promote" else 1
        assert staged.record.stable_now == winner
        assert staged.shares()[winner] == pytest.approx(1.0)
        assert not staged.logs.functions


def test_the_slot_of_a_shadow_that_was_to_be_promoted_is_given_back() -> None:
    staged = shadowed("heavy")
    order(staged, "promote")
    assert staged.record.phase is Phase.PREPARING
    assert not staged.logs.functions
    order(staged, "rollback")
    staged.run()
    assert staged.cloud.shares() == {1: 1.0}
    assert [bool(slot.desired) for slot in staged.cloud.slots.values()] == [True, False]


def test_a_filter_that_somebody_deleted_is_put_back() -> None:
    staged = shadowed("light")
    staged.logs.functions.clear()
    staged.tick()
    assert staged.logs.functions == {"logs": "shadow"}


@dataclass
class TwoModels:
    """Two light models, whose captures are in one log group."""

    store: MemoryReleaseStore = field(default_factory=MemoryReleaseStore)
    logs: MemoryFilters = field(default_factory=MemoryFilters)

    @property
    def shadows(self) -> LogShadows:
        return LogShadows(ShadowNames("shadow", {"one": "logs", "two": "logs"}), self.logs, self.store)

    def begin(self, model: str) -> ReleaseRecord:
        started = self.store.start(make_release(model, options=LONG))
        return self.store.save(started.model_copy(update={"phase": Phase.RUNNING}))

    def end(self, record: ReleaseRecord) -> ReleaseRecord:
        return self.store.save(record.model_copy(update={"phase": Phase.FINISHED}))


def test_a_log_group_is_read_as_long_as_any_model_in_it_is_shadowed() -> None:
    world = TwoModels()
    one, two = world.begin("one"), world.begin("two")
    assert world.shadows.running(one) == frozenset()
    world.shadows.run(one, one.candidates, 0.5)
    assert world.shadows.running(one) == world.shadows.running(two) == frozenset({2})
    one = world.end(one)
    assert world.shadows.running(one) == frozenset()
    world.shadows.run(one, (), 0)
    assert world.logs.functions == {"logs": "shadow"}
    two = world.end(two)
    assert world.shadows.running(two) is None
    world.shadows.run(two, (), 0)
    assert (world.shadows.running(two), world.logs.functions) == (frozenset(), {})


def test_a_filter_of_a_function_that_was_replaced_is_put_anew_and_taken_off_at_the_end() -> None:
    world = TwoModels()
    one = world.begin("one")
    world.logs.functions = {"logs": "the function of before"}
    assert world.shadows.running(one) == frozenset()
    world.shadows.run(one, one.candidates, 0.5)
    assert world.shadows.running(one) == frozenset({2})
    world.logs.functions = {"logs": "the function of before"}
    assert world.shadows.running(world.end(one)) is None


def test_only_shadows_are_looked_for() -> None:
    unknown = make_release("elsewhere", options=AbTest())
    assert TwoModels().shadows.running(unknown) == frozenset()
    shadow = make_release("elsewhere", options=LONG, now=Stage("light").cloud.now + timedelta(minutes=1))
    with pytest.raises(UnavailableError, match="log group with the captures of elsewhere is not known"):
        TwoModels().shadows.running(shadow)
