"""Packages with golden records, and ones whose graph has one flipped bit under right digests."""

from collections.abc import Mapping, Sequence
from typing import Any

import onnx
from onnx import TensorProto, numpy_helper

from slipway.models.measurements.golden import GOLDEN, write_golden
from slipway.models.measurements.golden_choice import choose_records, make_golden
from slipway.models.measurements.sampling import sample_records
from slipway.models.package import Package
from slipway.models.prediction.predictor import Predictor
from support.packages import seal_again


def with_golden(package: Package, records: Sequence[Mapping[str, Any]] | None = None) -> Package:
    """The package with golden records, of ``records`` or else of some like its baseline, sealed again."""
    given = sample_records(package, 24) if records is None else records
    chosen = choose_records(given, Predictor(package).predict(given))
    golden = make_golden(package, chosen)
    assert golden is not None
    write_golden(package.path(GOLDEN), golden)
    return seal_again(package)


def flip_a_bit(package: Package) -> Package:
    """Flip one bit of a float32 weight in the graph, which doubles or halves it, and seal: every digest is right."""
    path = package.path(package.manifest.graph.file)
    graph = onnx.load(path)
    weights = next(each for each in graph.graph.initializer if each.data_type == TensorProto.FLOAT)
    values = numpy_helper.to_array(weights).copy()
    bits = values.reshape(-1).view("<u4")
    place = next(index for index, bit in enumerate(bits) if 0 < bit & 0x7FFFFFFF < 0x40000000)
    bits[place] ^= 1 << 23
    before = weights.SerializeToString()
    weights.CopyFrom(numpy_helper.from_array(values, weights.name))
    assert weights.SerializeToString() != before
    path.write_bytes(graph.SerializeToString())
    return seal_again(package)
