"""A quantized graph runs in batches only where measurements showed that its answers are the same."""

from pathlib import Path
from typing import Any

import pytest
from support.golden import with_golden
from support.packages import make_text_package

from slipway.models.manifest import Quantization
from slipway.models.measurements.batching import may_batch
from slipway.models.measurements.golden import GOLDEN, read_golden, write_golden
from slipway.models.package import Package


def quantized(package: Package, said: dict[str, Any] | None) -> Package:
    quantization = None if said is None else Quantization.model_validate(said)
    return Package(package.folder, package.manifest.model_copy(update={"quantization": quantization}))


@pytest.mark.parametrize(
    ("quantization", "allowed"),
    [
        (None, True),
        ({"method": "static", "batch_independent": True}, True),
        ({"method": "dynamic", "batch_independent": False}, False),
        ({"method": "dynamic"}, False),
    ],
)
def test_without_golden_records_the_manifest_says_it(
    tmp_path: Path, quantization: dict[str, Any] | None, *, allowed: bool
) -> None:
    assert may_batch(quantized(make_text_package(tmp_path / "m"), quantization)) is allowed


@pytest.mark.parametrize(("alone", "allowed"), [(0.0, True), (1e-6, False)])
def test_golden_records_say_it_where_the_manifest_does_not(tmp_path: Path, alone: float, *, allowed: bool) -> None:
    package = with_golden(make_text_package(tmp_path / "m"))
    path = package.path(GOLDEN)
    write_golden(path, read_golden(path).model_copy(update={"measured": {"alone": alone}}))
    assert may_batch(quantized(package, {"method": "tables of int8"})) is allowed
