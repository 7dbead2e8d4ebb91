"""`make loop`: months of flights drift, a run trains on their labels, and labels that lie change nothing."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from slipway.cli.local.loop.command import play_loop
from slipway.cli.local.loop.project import FIRST
from slipway.cli.local.loop.run import Outcome
from slipway.cli.local.loop.stages import CALM, CANARY, LEARNED, POISONED
from slipway.releases.record.phases import Phase as ReleasePhase
from slipway.training.account.progress import Phase


@pytest.fixture(scope="module")
def said() -> list[str]:
    """The lines that the loop prints."""
    return []


@pytest.fixture(scope="module")
def outcome(checkout: Path, tmp_path_factory: pytest.TempPathFactory, said: list[str]) -> Outcome:
    return play_loop(checkout, tmp_path_factory.mktemp("loop"), said.append, lambda _: nullcontext())


def test_alarms_are_told_and_a_run_trains_on_what_was_served(outcome: Outcome, said: list[str]) -> None:
    assert any("flight-delay 1 has drifted: inputs." in line for line in said)
    trained = outcome.trained
    assert trained.phase is Phase.RELEASED
    assert trained.run.parent == FIRST
    assert trained.data is not None
    assert trained.data.rows >= 1150
    assert trained.gates


def test_the_canary_is_promoted_under_traffic_of_both(outcome: Outcome) -> None:
    release = outcome.release
    assert (release.phase, release.winner) == (ReleasePhase.PROMOTED, outcome.trained.version)
    assert release.id == outcome.trained.release
    both = [month for month in outcome.ledger.months.values() if {FIRST, release.winner} <= set(month.by_version)]
    assert both


def test_poisoned_labels_are_stopped_and_the_version_that_serves_stays(outcome: Outcome, said: list[str]) -> None:
    assert outcome.poisoned.phase is Phase.REFUSED
    assert outcome.poisoned.version is None
    assert any(month.poisoned for month in outcome.ledger.months.values())
    assert outcome.serving == outcome.trained.version
    assert "were stopped by the gates" in said[-1]


def test_the_picture_shows_every_month(outcome: Outcome) -> None:
    picture = outcome.picture.read_text(encoding="utf-8")
    assert picture.startswith("<?xml")
    assert {LEARNED[0], CANARY[0], *CALM, POISONED[0]} <= outcome.ledger.months.keys()
    assert all(0 < month.accuracy < 1 and 0 < month.accuracy_first < 1 for month in outcome.ledger.months.values())
    assert any("poison" in mark.what or "refused" in mark.what for mark in outcome.ledger.marks)
