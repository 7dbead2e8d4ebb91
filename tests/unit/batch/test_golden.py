"""A version that does not prove itself scores nothing on this machine, and nothing in another engine."""

from pathlib import Path

import pytest
from support.golden import flip_a_bit, with_golden
from support.packages import make_tabular_package

from slipway.batch import scorer
from slipway.batch.local import LocalJob, run
from slipway.errors import GoldenError
from slipway.models.package import Package


@pytest.fixture
def package(tmp_path: Path) -> Package:
    fields = [{"name": name, "type": "float"} for name in ("radius", "smooth")]
    return with_golden(make_tabular_package(tmp_path / "tiny-tabular" / "1", fields=fields))


@pytest.fixture
def job(package: Package, tmp_path: Path) -> LocalJob:
    (tmp_path / "in.csv").write_text("radius,smooth\n2.0,1.0\n")
    return LocalJob(package.folder, tmp_path / "in.csv", tmp_path / "out")


def test_one_that_proves_itself_scores(package: Package, job: LocalJob) -> None:
    assert run(job).scored == 1
    assert scorer(package.folder).manifest == package.manifest


def test_a_flipped_bit_stops_a_job_before_it_writes(package: Package, job: LocalJob) -> None:
    flip_a_bit(package)
    with pytest.raises(GoldenError, match=r"expected .* found .* the record is"):
        run(job)
    assert not job.output.exists()


def test_a_flipped_bit_stops_the_scorer_as_it_is_made(package: Package) -> None:
    flip_a_bit(package)
    with pytest.raises(GoldenError, match=r"expected .* found .* the record is"):
        scorer(package.folder)
