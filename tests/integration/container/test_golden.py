"""A slot whose version differs from its golden records never becomes ready, and says why."""

import json
from pathlib import Path

import pytest
from support.golden import flip_a_bit, with_golden
from support.packages import make_text_package

from container.app import make_slot
from container.settings import Settings
from slipway.errors import GoldenError
from slipway.models.package import load_package

CONFIG = "project: demo\nmodels: {tiny-sentiment: {tier: heavy, versions: [1], stable: 1, heavy: {cpu: 1}}}\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    with_golden(make_text_package(tmp_path / "models/tiny-sentiment/1"))
    return Settings("tiny-sentiment", 1, root=tmp_path)


def test_a_version_that_proves_itself_gets_a_slot(settings: Settings) -> None:
    assert make_slot(settings).readiness.is_ready


def test_a_flipped_bit_stops_the_slot(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    flip_a_bit(load_package(settings.root / "models/tiny-sentiment/1"))
    with pytest.raises(GoldenError, match=r"expected .* found .* the record is"):
        make_slot(settings)
    (line,) = [json.loads(each) for each in capsys.readouterr().out.splitlines() if "GoldenFailures" in each]
    assert (line["Project"], line["Model"], line["Version"], line["GoldenFailures"]) == (
        "demo",
        "tiny-sentiment",
        "1",
        1,
    )
    assert line["Reason"].startswith("record ")
