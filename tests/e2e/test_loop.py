"""`make loop`: months of flights drift, a run trains on their labels, and labels that lie change nothing."""

from pathlib import Path
from typing import Any

import pytest
from support.played_loop import Played, played

from slipway.cli.local.loop.project import FIRST
from slipway.cli.local.loop.stages import CALM, CANARY, LEARNED, POISONED
from slipway.releases.record.phases import Phase as ReleasePhase
from slipway.training.account.progress import Phase


@pytest.fixture(scope="module")
def loop(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Played:
    return played(checkout, tmp_path_factory.mktemp("loop"))


@pytest.fixture(scope="module")
def outcome(loop: Played) -> dict[str, Any]:
    return loop.outcome


def test_alarms_are_told_and_a_run_trains_on_what_was_served(loop: Played, outcome: dict[str, Any]) -> None:
    assert any("flight-delay 1 has drifted: inputs." in line for line in loop.said)
    trained = outcome["trained"]
    assert trained["phase"] == Phase.RELEASED
    assert trained["parent"] == FIRST
    assert trained["rows"] >= 1150
    assert trained["gates"]


def test_the_canary_is_promoted_under_traffic_of_both(outcome: dict[str, Any]) -> None:
    release, trained = outcome["release"], outcome["trained"]
    assert (release["phase"], release["winner"]) == (ReleasePhase.PROMOTED, trained["version"])
    assert release["id"] == trained["release"]
    assert any({FIRST, release["winner"]} <= set(month["versions"]) for month in outcome["months"].values())


def test_poisoned_labels_are_stopped_and_the_version_that_serves_stays(loop: Played, outcome: dict[str, Any]) -> None:
    assert outcome["poisoned"] == {"phase": Phase.REFUSED, "version": None}
    assert any(month["poisoned"] for month in outcome["months"].values())
    assert outcome["serving"] == outcome["trained"]["version"]
    assert "were stopped by the gates" in loop.said[-1]


def test_the_picture_shows_every_month(outcome: dict[str, Any]) -> None:
    assert outcome["picture"].startswith("<?xml")
    shown = {LEARNED[0], CANARY[0], *CALM, POISONED[0]}
    assert {str(month) for month in shown} <= outcome["months"].keys()
    assert all(0 < share < 1 for month in outcome["months"].values() for share in month["accuracies"])
    assert any("poison" in mark or "refused" in mark for mark in outcome["marks"])
