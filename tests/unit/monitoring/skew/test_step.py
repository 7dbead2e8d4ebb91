"""The step `skew`: a sample of each period is replayed, and what newly differs is told once."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.packages import make_tabular_package

from slipway.config import FeatureConfig, FeatureGroupConfig, FeatureType
from slipway.config.features import HistoryConfig
from slipway.features.history.files import HistoryFolder, pack_rows
from slipway.features.history.rows import Change, HistoryRow
from slipway.models.package import Package
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.profiles.profile import Profile
from slipway.monitoring.skew.step import SAMPLE, SkewStep, recent_timelines, sampled
from slipway.monitoring.steps import Period

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
FLOAT = FeatureConfig(type=FeatureType.FLOAT)
FEATURES = {"radius": FLOAT, "smooth": FLOAT}
GROUPS = {"tumour": FeatureGroupConfig(entity="patient", features=FEATURES, history=HistoryConfig())}


@pytest.fixture
def package(tmp_path: Path) -> Package:
    return make_tabular_package(tmp_path / "package")


@pytest.fixture
def files(tmp_path: Path) -> HistoryFolder:
    """A history of a hundred patients, each written at eleven."""
    at = int((NOON - timedelta(hours=1)).timestamp() * 1000)
    rows = (
        HistoryRow(
            "tumour", "patient", f"p{n}", Change.WRITE, at, f"{n:040}", at, None, json.dumps({"radius": float(n)})
        )
        for n in range(100)
    )
    folder = HistoryFolder(tmp_path / "history")
    for key, content in pack_rows(rows).items():
        folder.put(key, content)
    return folder


def captured(number: int, **changed: float) -> Capture:
    patient = number % 100
    return Capture(
        id=f"tiny-tabular.1.{int(NOON.timestamp()):08x}{number:016x}",
        model="tiny-tabular",
        version=1,
        time=int(NOON.timestamp() * 1000) + number,
        request="r",
        inputs={"radius": float(patient), "smooth": 0.5, "age": 40, **changed},
        outputs={"label": "yes"},
        entities={"patient": f"p{patient}"},
    )


def period(package: Package, captures: list[Capture]) -> Period:
    def read() -> Iterator[Capture]:
        return iter(captures)

    profile = Profile(
        model="tiny-tabular",
        version=1,
        start=NOON,
        minutes=60,
        baseline="b",
        records=len(captures),
        counts={},
        source="s",
    )
    return Period(package, (), profile, read, lambda: (), NOON + timedelta(hours=2))


def test_a_feature_that_differs_is_told_once(package: Package, files: HistoryFolder) -> None:
    step = SkewStep(GROUPS, recent_timelines(files))
    captures = [*(captured(n) for n in range(99)), captured(99, radius=1.5)]
    state, findings = step.after(None, period(package, captures))
    assert findings.metrics == {"SkewedRows": 1.0, "SkewedFeatures": 1.0}
    (event,) = findings.events
    detail: dict[str, Any] = dict(event.detail)
    assert (event.kind, detail["rows"], detail["features"]) == ("skew", 100, {"tumour.radius": 1})
    assert detail["differences"][0]["prediction"] == captures[-1].id
    assert "1.5" not in json.dumps(detail)  # values may be personal
    assert step.after(None, period(package, captures)) == (state, findings)
    again, still = step.after(state, period(package, captures))
    assert (again, still.metrics, still.events) == (state, findings.metrics, ())
    over, healed = step.after(state, period(package, captures[:-1]))
    assert (healed.metrics, healed.events) == ({"SkewedRows": 0.0, "SkewedFeatures": 0.0}, ())
    assert step.after(over, period(package, captures))[1].events == findings.events


def test_nothing_is_told_where_there_is_nothing_to_compare(package: Package, files: HistoryFolder) -> None:
    unrecorded = {"tumour": FeatureGroupConfig(entity="patient", features=FEATURES)}
    differing = [captured(1, radius=7.0)]
    assert SkewStep(unrecorded, recent_timelines(files)).after(None, period(package, differing))[1].metrics == {}
    nobody = [captured(1, radius=7.0).model_copy(update={"entities": {"patient": "unknown"}})]
    step = SkewStep(GROUPS, recent_timelines(files))
    assert step.after({"features": ["tumour.radius"]}, period(package, nobody)) == (
        {"features": ["tumour.radius"]},
        step.after(None, period(package, []))[1],
    )


def test_the_sample_is_bounded_and_the_same_in_any_order() -> None:
    captures = [captured(n) for n in range(3 * SAMPLE)]
    chosen = sampled(captures, SAMPLE)
    assert len(chosen) == SAMPLE
    assert sampled(captures[::-1], SAMPLE) == chosen
    unnamed = [each.model_copy(update={"entities": {}}) for each in captures]
    assert sampled(unnamed, SAMPLE) == []
