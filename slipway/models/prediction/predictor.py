"""Run a package's graph in ONNX Runtime, with its task around it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from slipway.errors import PackageError, PredictionError
from slipway.models.manifest import Manifest, Record
from slipway.models.package import Package
from slipway.models.prediction.graph_fit import GraphSpec, TensorSpec
from slipway.models.prediction.tasks import ColumnTask, Output, Task, Tensor, make_task

RUNTIME_ERRORS: tuple[type[Exception], ...] = (
    ort_errors.EPFail,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)
# The errors that a graph or a task may raise on a record that the schema allows.
_FAULTS: tuple[type[Exception], ...] = (
    *RUNTIME_ERRORS,
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)

_MASK = "attention_mask"
_DTYPES: dict[str, type[Any]] = {
    "tensor(float16)": np.float16,
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int8)": np.int8,
    "tensor(uint8)": np.uint8,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}


class Predictor:
    """One version of a model, ready to predict. Safe to use from several threads."""

    def __init__(
        self,
        package: Package,
        *,
        threads: int = 1,
        task_modules: Sequence[str] = (),
        providers: Sequence[str] = ("CPUExecutionProvider",),
        optimized: bool = True,
    ) -> None:
        """Open the package's graph with ``threads`` threads per prediction.

        ``providers`` are ONNX Runtime's execution providers, the preferred one first. Without ``optimized``, ONNX
        Runtime runs the graph node by node, slowly, to compare with.

        Raises:
            PackageError: the graph cannot be opened or differs from the manifest, or the task cannot be created.
        """
        self.package = package
        graph = package.path(package.manifest.graph.file)
        self._session = open_session(graph, threads, providers, optimized=optimized)
        self._outputs = list(package.manifest.graph.outputs)
        self._task = make_task(package, _graph_spec(package, self._session), modules=task_modules)

    @property
    def manifest(self) -> Manifest:
        """The manifest of the package."""
        return self.package.manifest

    @property
    def session(self) -> ort.InferenceSession:
        """The open graph, for measuring it without the task."""
        return self._session

    @property
    def task(self) -> Task:
        """The task that encodes records and decodes tensors, for measuring it without the graph."""
        return self._task

    def predict(self, records: Sequence[Record]) -> list[Output]:
        """Predict whole records as one batch: one output per record, in order.

        An output is ``{"label", "score", "scores"}`` of a classifier, ``{"labels", "scores"}`` of a multi-label one,
        ``{"value"}`` or ``{"values"}`` of a regression, or whatever JSON object the user's own task returns.

        Raises:
            PredictionError: the graph or the task failed on records that the schema allows.
        """
        return self._predict(records)[0] if records else []

    def predict_batch(self, records: Sequence[Record]) -> tuple[list[Output], float | None]:
        """Predict one or more records, and return the batch's share of padding too: 0 to 1, or None if unknown.

        Raises:
            PredictionError: as `predict` does.
        """
        outputs, tensors = self._predict(records)
        mask = tensors.get(_MASK)
        return outputs, None if mask is None else 1 - float(mask.mean())

    def predict_columns(self, columns: Mapping[str, Tensor]) -> Tensor:
        """Run the graph of a built-in task on columns, and return its floats: one row per record.

        Raises:
            PredictionError: as `predict` does, but for what the floats mean, which nobody has looked at.
        """
        task = cast("ColumnTask", self._task)
        try:
            return task.numbers(self._session.run(self._outputs, task.encode_columns(columns)))
        except _FAULTS as error:
            raise PredictionError(f"{self._label}: {type(error).__name__}: {error}") from error

    def _predict(self, records: Sequence[Record]) -> tuple[list[Output], dict[str, Tensor]]:
        try:
            tensors = self._task.encode(records)
            outputs = self._task.decode(self._session.run(self._outputs, tensors))
        except _FAULTS as error:
            raise PredictionError(f"{self._label}: {type(error).__name__}: {error}") from error
        if len(outputs) != len(records):
            raise PredictionError(f"{self._label}: {len(outputs)} outputs for {len(records)} records")
        return outputs, tensors

    @property
    def _label(self) -> str:
        return f"{self.manifest.name} {self.manifest.version}"


def open_session(
    path: Path, threads: int = 1, providers: Sequence[str] = ("CPUExecutionProvider",), *, optimized: bool = True
) -> ort.InferenceSession:
    """Open an ONNX file with ``threads`` threads for one run; raises PackageError if ONNX Runtime cannot."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # It keeps a plan for every shape ever seen, and each batch size with each text length is another shape.
    options.enable_mem_pattern = False
    if not optimized:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        return ort.InferenceSession(str(path), options, providers=list(providers))
    except RUNTIME_ERRORS as error:
        raise PackageError(path, _reason(str(error))) from error


def _reason(message: str) -> str:
    """Explain an error of opening; ONNX Runtime itself refuses external data outside the graph's folder."""
    if "external" in message.lower():
        return f"keeps data outside the package or in a missing file: {message}"
    return f"cannot be opened by ONNX Runtime: {message}"


def _graph_spec(package: Package, session: ort.InferenceSession) -> GraphSpec:
    graph = package.manifest.graph
    return GraphSpec(
        inputs=_specs(package, "inputs", graph.inputs, session.get_inputs()),
        outputs=_specs(package, "outputs", graph.outputs, session.get_outputs()),
    )


def _specs(package: Package, side: str, named: Sequence[str], declared: Sequence[Any]) -> tuple[TensorSpec, ...]:
    """The graph's declared inputs or outputs, in the manifest's order."""
    path = package.path(package.manifest.graph.file)
    nodes = {node.name: node for node in declared}
    if nodes.keys() != set(named) or len(nodes) != len(named):
        raise PackageError(path, f"has the {side} {sorted(nodes)}, but model.yaml says {sorted(named)}")
    specs = tuple(_spec(path, nodes[name]) for name in named)
    for spec in specs:
        if spec.shape and spec.shape[0] is not None:
            raise PackageError(path, f"takes only batches of {spec.shape[0]} ({spec.name}); any size is needed")
    return specs


def _spec(path: object, node: Any) -> TensorSpec:
    if node.type not in _DTYPES:
        raise PackageError(str(path), f"{node.name} is a {node.type}; it must be one of {', '.join(_DTYPES)}")
    shape = tuple(size if isinstance(size, int) else None for size in node.shape)
    return TensorSpec(node.name, np.dtype(_DTYPES[node.type]), shape)
