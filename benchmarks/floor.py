"""The floor of the function `predict`: the work that any handler of the same graphs must do.

Importing it imports NumPy and ONNX Runtime and opens the graphs of FLOOR_GRAPHS. The handler runs the first of them on
FLOOR_INPUT, tensors that are already encoded, and returns a constant.
"""

import json
import os

import numpy as np
import onnxruntime as ort

_options = ort.SessionOptions()
_options.intra_op_num_threads = 1
_options.inter_op_num_threads = 1
_sessions = [
    ort.InferenceSession(path, _options, providers=["CPUExecutionProvider"])
    for path in os.environ["FLOOR_GRAPHS"].split(os.pathsep)
]
_input = {name: np.array(values) for name, values in json.loads(os.environ.get("FLOOR_INPUT", "{}")).items()}


def handler(_event: object, _context: object) -> dict[str, object]:
    _sessions[0].run(None, _input)
    return {"statusCode": 200, "body": "{}"}
