"""A candidate that its processes refuse ends the release before it gets traffic, with the reason."""

from datetime import datetime
from typing import Any

import pytest
from fakes.slots import Cloud
from support.releases.records import NOW, make_release

from slipway.releases.controller.heavy import HeavyTier, Slots
from slipway.releases.controller.light import LightTier
from slipway.releases.evidence.tallies import Evidence, Observed, Readiness
from slipway.releases.record.phases import Phase
from slipway.releases.strategies.decide import decide

WHY = 'golden.json: record 3 of 32 differs by 0.5, and 0.0001 is allowed (9 differ): expected {"value": 1}, found {}'


def release(tier: str, phase: Phase = Phase.PREPARING) -> Any:
    return make_release("sentiment", tier=tier, candidates=(2,)).model_copy(update={"phase": phase})


def light() -> LightTier:
    return LightTier({"sentiment": (1, 2)}, why_not_loaded=lambda _, version: WHY if version == 2 else "")


def heavy(cloud: Cloud, asked: list[tuple[str, int, datetime]]) -> HeavyTier:
    def why(model: str, version: int, since: datetime) -> str:
        asked.append((model, version, since))
        return WHY

    slots = Slots(cloud, cloud, cloud, cloud.smoke_test, load_failures=why)
    return HeavyTier(lambda _: slots)


def test_a_light_candidate_that_was_not_loaded_has_failed() -> None:
    observed = light().observe(release("light"))
    assert observed.readiness == {1: Readiness.READY, 2: Readiness.FAILED}
    assert observed.problem == f"version 2: {WHY}"


@pytest.mark.parametrize("phase", [Phase.RUNNING, Phase.BAKING])
def test_it_is_asked_for_only_while_a_release_is_prepared(phase: Phase) -> None:
    assert light().observe(release("light", phase)).readiness[2] is Readiness.READY
    assert light().observe(release("light"), mend=False).readiness[2] is Readiness.READY


def test_the_release_is_rolled_back_with_the_reason_and_without_traffic() -> None:
    record = release("light")
    decision = decide(record, Evidence(light().observe(record)), NOW)
    assert decision.record.phase is Phase.ROLLED_BACK
    assert decision.record.shares == (0.0,)
    last = decision.record.history[-1]
    assert last.what == "rolled back: the preparation failed"
    assert WHY in last.evidence[0]


def test_a_slot_whose_tasks_refuse_the_version_has_failed() -> None:
    cloud, asked = Cloud(NOW), []
    record = release("heavy")
    tier = heavy(cloud, asked)
    tier.prepare(record, 2)
    observed: Observed = tier.observe(record)
    assert observed.readiness[2] is Readiness.FAILED
    assert observed.problem == f"version 2: {WHY}"
    assert {(model, version) for model, version, _ in asked} == {("sentiment", 2)}
    assert decide(record, Evidence(observed), NOW).record.phase is Phase.ROLLED_BACK
