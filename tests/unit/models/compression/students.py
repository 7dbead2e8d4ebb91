"""Students for the tests, found by ``--student students:...``."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from sklearn.neural_network import MLPRegressor
from support.compressible import mlp_graph


def network(records: Any, answers: np.ndarray, *, seed: int = 1, units: int = 8) -> tuple[onnx.ModelProto, None]:
    """A hidden layer that learns the teacher's logits."""
    values = np.array([list(record.values()) for record in records])
    logits = np.log(answers[:, 1].clip(1e-4) / answers[:, 0].clip(1e-4))
    fitted = MLPRegressor(hidden_layer_sizes=(units,), solver="lbfgs", alpha=0.1, max_iter=9000, random_state=seed).fit(
        values, logits
    )
    weights, biases = ([part.astype(np.float32) for part in parts] for parts in (fitted.coefs_, fitted.intercepts_))
    return mlp_graph(weights, biases), None


def as_bytes(records: Any, answers: np.ndarray) -> tuple[bytes, None]:
    return network(records, answers)[0].SerializeToString(), None


def as_folder(records: Any, answers: np.ndarray) -> Path:
    folder = Path.cwd() / "student"
    folder.mkdir()
    onnx.save(network(records, answers)[0], folder / "model.onnx")
    return folder


def sum_of_fields(records: Any, answers: np.ndarray) -> tuple[onnx.ModelProto, None]:
    from support.packages import regression_graph

    assert answers.shape == (len(records), 1)
    return regression_graph(["rooms", "area"]), None


def nothing(records: Any, answers: np.ndarray) -> None:
    return None


def failing(records: Any, answers: np.ndarray) -> None:
    raise RuntimeError("out of luck")


def wrong_width(records: Any, answers: np.ndarray) -> tuple[onnx.ModelProto, None]:
    from support.packages import tabular_graph

    return tabular_graph(7), None
