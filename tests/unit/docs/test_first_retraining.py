"""docs/tutorials/first-retraining.md says what works: what it trains by hand is trained here as it stands."""

import shutil
from pathlib import Path

import pytest
from support.documents import DOCS, follow, section

from slipway.models.package import load_package

ROOT = DOCS.parent
TUTORIAL = "tutorials/first-retraining.md"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of which the tutorial changes only `models/flight-delay`."""
    for part in ("recipes", "examples", "slipway.yaml"):
        (tmp_path / part).symlink_to(ROOT / part)
    (tmp_path / "models").mkdir()
    for model in (ROOT / "models").iterdir():
        if model.name != "flight-delay":
            (tmp_path / "models" / model.name).symlink_to(model)
    shutil.copytree(ROOT / "models" / "flight-delay", tmp_path / "models" / "flight-delay")
    return tmp_path


def test_a_model_is_trained_by_hand_as_the_tutorial_says(clone: Path) -> None:
    written = follow(section(TUTORIAL, "The labels"), clone)
    assert "12,544 writes added" in written
    trained = follow(section(TUTORIAL, "Train by hand"), clone)
    [shown] = [block.text for block in section(TUTORIAL, "Train by hand") if block.language == "text"]
    assert shown.splitlines()[0] in trained
    assert "Version 3 of flight-delay is in models/flight-delay/3." in trained
    assert load_package(clone / "models" / "flight-delay" / "3").manifest.version == 3
    told = follow(section(TUTORIAL, "What was learned from what"), clone)
    assert "recipes.flight_delay:train" in told
