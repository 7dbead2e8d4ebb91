"""Weights in int8 with activations quantized record by record: answers depend on no batch, at the price of speed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slipway.models.extras import need

_BITS, _BLOCK = 8, 32
# Products of int8 with int32 sums. Lower levels multiply floats, which is slower.
_INT8_PRODUCTS = 4


def write_weight_only(model: Any, target: Path, kept: Sequence[str]) -> None:
    """Write ``model`` with the weights of its matrix products in int8, one scale for every 32 of a column.

    ``kept`` are the names of the nodes to leave in float.
    """
    tools = need("onnxruntime.quantization.matmul_nbits_quantizer", "import")
    quantizer = tools.MatMulNBitsQuantizer(
        model,
        bits=_BITS,
        block_size=_BLOCK,
        is_symmetric=True,
        accuracy_level=_INT8_PRODUCTS,
        nodes_to_exclude=list(kept),
        op_types_to_quantize=("MatMul",),
    )
    quantizer.process()
    target.write_bytes(quantizer.model.model.SerializeToString(deterministic=True))
