"""Every command and loader has a package prove itself: one flipped bit under right digests is stopped in each."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.golden import flip_a_bit, with_golden
from support.packages import make_tabular_package, make_text_package

import slipway
from infra.bundling.models import DeployedModel
from slipway.config import Config, GatesConfig, parse_config
from slipway.errors import GoldenError, NotLoadedError, PackageError
from slipway.models.advice.profiling import profile_package
from slipway.models.bundle import load_models
from slipway.models.gates.checking import check_package
from slipway.models.measurements.sampling import sample_records
from slipway.models.package import Package, load_package

CONFIG = """
models:
  tiny-sentiment: {versions: [1, 2], stable: 1, gates: {golden: GOLDEN}}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for version in (1, 2):
        with_golden(make_text_package(tmp_path / "models/tiny-sentiment" / str(version), version=version))
    (tmp_path / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


@pytest.fixture
def second(root: Path) -> Package:
    return load_package(root / "models/tiny-sentiment/2")


def config(golden: str = "warn") -> Config:
    return parse_config(CONFIG.replace("GOLDEN", golden))


def synth(package: Package) -> object:
    root = package.folder.parents[2]
    return DeployedModel.load("tiny-sentiment", config(), root=root, config_file=root / "slipway.yaml")


@pytest.mark.parametrize(
    "load",
    [
        lambda package: slipway.load(package.folder, verify=True),
        lambda package: check_package(package, GatesConfig(max_package_bytes=10**6)),
        lambda package: profile_package(package, sample_records(package), seconds=0.01),
        synth,
    ],
    ids=["slipway.load", "check and register", "advise", "synth"],
)
def test_a_flipped_bit_is_stopped(second: Package, load: Callable[[Package], object]) -> None:
    load(second)
    with pytest.raises(GoldenError, match=r"golden\.json: record \d+ of \d+ differs"):
        load(flip_a_bit(second))


def test_an_application_that_does_not_ask_does_not_wait_for_the_proof(second: Package) -> None:
    assert slipway.load(flip_a_bit(second).folder).version == 2


def test_an_application_that_asks_needs_golden_records(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"golden\.json: is missing"):
        slipway.load(make_tabular_package(tmp_path / "1").folder, verify=True)


def test_a_process_serves_the_other_versions(root: Path, second: Package) -> None:
    flip_a_bit(second)
    found = load_models(config(), root)
    failure = found["tiny-sentiment", 2]
    assert isinstance(failure, NotLoadedError)
    assert (failure.model, failure.version) == ("tiny-sentiment", 2)
    assert failure.reason.startswith("golden.json: record ")
    assert "the record is" not in failure.reason
    assert not isinstance(found["tiny-sentiment", 1], NotLoadedError)


def test_golden_records_are_required_where_slipway_yaml_asks(root: Path) -> None:
    (root / "models/tiny-sentiment/2/golden.json").unlink()
    make_text_package(root / "models/tiny-sentiment/2", version=2)
    assert not isinstance(load_models(config(), root)["tiny-sentiment", 2], NotLoadedError)
    failure = load_models(config("required"), root)["tiny-sentiment", 2]
    assert isinstance(failure, NotLoadedError)
    assert "`gates.golden` in slipway.yaml requires it" in failure.reason


def test_the_gate_on_golden_records(root: Path, second: Package, tmp_path: Path) -> None:
    gates = GatesConfig(golden="required")
    (result,) = check_package(second, gates).results
    assert (result.name, result.passed) == ("golden records", True)
    (result,) = check_package(make_text_package(tmp_path / "bare"), gates).results
    assert not result.passed
    assert result.sentence == "version 1 answered 0 golden records as expected; at least 1 is required"
