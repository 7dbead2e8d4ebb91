from pathlib import Path

import pytest
from support.packages import make_regression_package, make_text_package
from support.several import TARGETS, make_values_package

from slipway.models.measurements.baseline import measure_baseline, write_baseline
from slipway.models.package import MANIFEST, seal_package
from slipway.releases.evidence.outputs import Outputs


def test_of_a_classifier_the_labels_are_compared(tmp_path: Path) -> None:
    package = make_text_package(tmp_path)
    assert Outputs.of(package) == Outputs(labels=package.manifest.outputs.labels or ())


@pytest.mark.parametrize(("count", "limits"), [(101, (20.0, 40.0, 60.0, 80.0)), (1, (0.0,))])
def test_of_a_regression_the_values_over_quantiles_of_its_baseline(
    tmp_path: Path, count: int, limits: tuple[float, ...]
) -> None:
    manifest = make_regression_package(tmp_path).manifest
    records, outputs = [{"rooms": 1.0, "area": 1.0}] * count, [{"value": float(value)} for value in range(count)]
    write_baseline(tmp_path / "baseline.json", measure_baseline(manifest, records, outputs))
    (tmp_path / MANIFEST).unlink()
    package = seal_package(tmp_path, manifest.model_dump(mode="json", exclude={"files"}, exclude_none=True))
    assert Outputs.of(package).value_limits == limits


def test_of_several_targets_each_has_limits_of_its_own(tmp_path: Path) -> None:
    found = Outputs.of(make_values_package(tmp_path))
    assert (found.labels, found.value_limits) == ((), ())
    baseline = make_values_package(tmp_path / "again").baseline.outputs.values or {}
    assert found.target_limits == {target: baseline[target].edges[1::2] for target in TARGETS}
