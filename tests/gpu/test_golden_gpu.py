"""The shipped versions prove themselves on a GPU, within what is allowed there, and one that differs does not."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.golden import flip_a_bit, with_golden
from support.packages import make_text_package

from container.opening import PROVIDERS
from slipway.errors import GoldenError
from slipway.models.measurements.golden import GPU_TOLERANCE, prove
from slipway.models.package import Package, load_package
from slipway.models.prediction.predictor import Predictor


def is_on_processors(package: Package) -> bool:
    quantization = package.manifest.quantization
    return quantization is not None and quantization.on_processors


MODELS = Path(__file__).parents[2] / "models"
SHIPPED = sorted(path.parent for path in MODELS.glob("*/*/model.yaml"))
# `compute: gpu` refuses the others.
FOR_GPUS = [folder for folder in SHIPPED if not is_on_processors(load_package(folder))]


def on_the_gpu(package: Package) -> Predictor:
    predictor = Predictor(package, providers=PROVIDERS["gpu"])
    assert predictor.session.get_providers()[0] == PROVIDERS["gpu"][0]
    return predictor


@pytest.mark.parametrize("folder", FOR_GPUS, ids=lambda path: path.relative_to(MODELS).as_posix())
def test_a_shipped_version_proves_itself(folder: Path, record_property: Callable[[str, object], None]) -> None:
    proof = prove(on_the_gpu(load_package(folder)), required=True, least=GPU_TOLERANCE)
    assert proof is not None
    record_property("largest", proof.largest)
    record_property("tolerance", proof.tolerance)


def test_a_flipped_bit_is_found(tmp_path: Path) -> None:
    package = with_golden(make_text_package(tmp_path / "tiny-sentiment" / "1"))
    assert prove(on_the_gpu(package), required=True, least=GPU_TOLERANCE) is not None
    flip_a_bit(package)
    with pytest.raises(GoldenError, match=r"expected .* found"):
        prove(on_the_gpu(load_package(package.folder)), least=GPU_TOLERANCE)
