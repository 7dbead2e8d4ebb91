"""A package that exists is measured anew from validation records, completely or not at all."""

import json
from pathlib import Path

import pytest
from support.packages import make_text_package

from slipway.errors import InputError, SlipwayError
from slipway.models.measurements import renewal
from slipway.models.measurements.renewal import ValidationRun, measure_again
from slipway.models.package import Package, load_package

RECORDS = [{"text": text} for text in ("good", "awful", "sunny day", "hm")]
LABELS = ["positive", "negative", "positive", "neutral"]


@pytest.fixture
def package(tmp_path: Path) -> Package:
    return make_text_package(tmp_path / "tiny-sentiment" / "1")


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_baseline_is_measured_on_the_records(package: Package) -> None:
    renewed = measure_again(package, RECORDS, LABELS)
    assert renewed.folder == package.folder
    assert renewed.baseline.records == 4
    assert renewed.baseline.outputs.labels == {"negative": 0.25, "neutral": 0.25, "positive": 0.5}
    assert load_package(package.folder) == renewed


def test_the_rest_of_the_package_stays(package: Package) -> None:
    before = _contents(package.folder)
    renewed = measure_again(package, RECORDS)
    after = _contents(package.folder)
    assert {name for name in before if before[name] != after[name]} == {"baseline.json", "model.yaml"}
    left_out = {"files", "seal"}
    assert renewed.manifest.model_dump(exclude=left_out) == package.manifest.model_dump(exclude=left_out)
    assert [path.name for path in package.folder.parent.iterdir()] == ["1"]


def test_measuring_twice_gives_the_same_bytes(package: Package) -> None:
    measure_again(package, RECORDS)
    once = _contents(package.folder)
    measure_again(load_package(package.folder), RECORDS)
    assert _contents(package.folder) == once


def test_a_step_that_fails_leaves_the_package_as_it_was(package: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(run: ValidationRun) -> None:
        run.package.path("half.json").write_text(json.dumps(len(run.labels)))
        raise InputError.of("records", "do not suffice")

    before = _contents(package.folder)
    monkeypatch.setattr(renewal, "STEPS", (*renewal.STEPS, fail))
    with pytest.raises(InputError, match="do not suffice"):
        measure_again(package, RECORDS, LABELS)
    assert _contents(package.folder) == before
    assert [path.name for path in package.folder.parent.iterdir()] == ["1"]


def test_no_records_are_refused(package: Package) -> None:
    with pytest.raises(SlipwayError, match="0 records"):
        measure_again(package, [])
