"""Quantize weights to int8 with ONNX Runtime, leaving in float only the nodes that the quality budget requires."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from slipway.errors import CheckFailedError, InputError
from slipway.models.compression.bench import Bench, Verdict, within
from slipway.models.compression.job import Change, Compressed, CompressionJob, compress
from slipway.models.compression.steadiness import Steadiness, measure_steadiness
from slipway.models.compression.weight_only import write_weight_only
from slipway.models.extras import need
from slipway.models.gates.labelled import Labelled, read_given
from slipway.models.manifest import Record
from slipway.models.package import Package
from slipway.models.prediction.answers import is_batch_independent
from slipway.models.prediction.predictor import Predictor
from slipway.models.prediction.tasks import Task

Method = Literal["dynamic", "static", "weights"]

_AUTO: tuple[Method, ...] = ("dynamic", "static", "weights")
_SCALES: dict[Method, str] = {
    "dynamic": "The scales of activations come from the whole batch",
    "static": "The scales of activations are fixed",
    "weights": "Each record's activations have scales of their own",
}

# Operators whose constant weights ONNX Runtime quantizes to int8.
_TYPES = {
    "dynamic": ("Attention", "Conv", "EmbedLayerNormalization", "Gather", "LSTM", "MatMul"),
    "static": ("Conv", "ConvTranspose", "Gather", "Gemm", "MatMul"),
    "weights": ("MatMul",),
}
# The weight's position among a node's inputs; the second input by default.
_WEIGHT = {"Gather": 0, "EmbedLayerNormalization": 2}
_OLDEST_OPSET = 13
# Nodes are ranked by sensitivity on at most this many records; the budget is checked on all.
_SENSITIVITY_RECORDS = 256
_CALIBRATION_RECORDS = 512


@dataclass(frozen=True, slots=True)
class Quantizing:
    """How to quantize. ``calibration`` holds the records that ``static`` takes the ranges of activations from.

    The method ``auto`` is the first of dynamic, static and weights, which is the fastest first, whose outputs differ
    by at most ``max_difference`` between batches and processors.
    """

    method: Method | Literal["auto"]
    calibration: Path | None = None
    per_channel: bool = False
    max_difference: float | None = None


def quantize(job: CompressionJob, how: Quantizing) -> Compressed:
    """Quantize a package to int8.

    First all nodes are quantized. While the drop exceeds the budget, nodes return to float, the most sensitive first;
    then each node that turns out not to need float is quantized again.

    Raises:
        InputError: calibration records are missing, or the graph has nothing to quantize.
        CheckFailedError: no set of nodes meets the budget, or the outputs differ by more than ``max_difference``.
        MissingExtraError: `onnx` is not installed.
    """
    need("onnx", "import")
    if how.method == "static" and how.calibration is None:
        raise InputError.of("--calibration", "is required for static quantization: a file of typical records")
    if how.method == "auto" and how.max_difference is None:
        raise InputError.of("--max-difference", "is required for the method auto, which it decides on")
    methods: list[Method] = [how.method] if how.method != "auto" else [*_AUTO]
    if how.calibration is None and how.method == "auto":
        methods.remove("static")
    calibration = (
        read_given(how.calibration, job.original.manifest) if how.calibration and "static" in methods else None
    )

    def make(draft: Package, bench: Bench) -> Change:
        tried: dict[Method, float] = {}
        for method in methods:
            quantizer = _Quantizer(draft, method, how, calibration if method == "static" else None)
            kept, verdict = _Search(quantizer, bench, job).smallest_float_set()
            steady = measure_steadiness(bench, draft, verdict.outputs, job.processors)
            if how.max_difference is None or steady.largest <= how.max_difference:
                return _change(quantizer, kept, steady)
            tried[method] = steady.largest
        raise CheckFailedError(_too_unsteady(tried, how.max_difference or 0.0))

    return compress(job, make)


def _too_unsteady(tried: Mapping[Method, float], most: float) -> str:
    found = ", ".join(f"{value:.2g} by {method}" for method, value in tried.items())
    return f"outputs differ between batches or processors by {found}, but --max-difference is {most:g}"


class _Quantizer:
    """Writes a draft's graph with selected nodes in int8."""

    def __init__(self, draft: Package, method: Method, how: Quantizing, calibration: Labelled | None) -> None:
        self.draft = draft
        self.method = method
        self.how = how
        self.calibration = calibration

    def load(self, original: Package) -> None:
        """Load and prepare the original's graph, and find its ``nodes`` with weights."""
        self.original = original
        self.model = _prepared(original.path(original.manifest.graph.file), self.method)
        self.nodes = _candidates(self.model, _TYPES[self.method])
        if not self.nodes:
            known = ", ".join(_TYPES[self.method])
            raise InputError.of("model", f"its graph has no float32 weights in operators that become int8 ({known})")

    def write(self, kept: Sequence[str]) -> Package:
        """Write the graph with all ``nodes`` except ``kept`` in int8; returns the draft."""
        onnx, tools = need("onnx", "import"), need("onnxruntime.quantization", "import")
        target = self.draft.path(self.draft.manifest.graph.file)
        copy = onnx.ModelProto.FromString(self.model.SerializeToString())
        options: dict[str, Any] = {
            "nodes_to_quantize": [name for name in self.nodes if name not in kept],
            "per_channel": self.how.per_channel,
        }
        with _quiet():
            if self.method == "weights":
                write_weight_only(copy, target, kept)
            elif self.calibration is None:
                tools.quantize_dynamic(copy, str(target), **options)
            else:
                reader = _reader(tools, self._task(), self.calibration.records[:_CALIBRATION_RECORDS])
                tools.quantize_static(copy, str(target), reader, **options)
        _without_marks(onnx, target)
        return self.draft

    def _task(self) -> Task:
        return Predictor(self.original).task


def _prepared(path: Path, method: Method) -> Any:
    """The graph with inferred shapes and named nodes, and except for static quantization without Gemm nodes."""
    onnx, tools = need("onnx", "import"), need("onnxruntime.quantization.onnx_model", "import")
    model = onnx.load(path)
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
    if opset < _OLDEST_OPSET:
        raise InputError.of("model", f"its graph has opset {opset}; {_OLDEST_OPSET} or newer is required")
    _name_nodes(model.graph)
    if method != "static":
        tools.ONNXModel(model).replace_gemm_with_matmul()
    model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    onnx.helper.set_model_props(model, {**_marks(model), "onnx.quant.pre_process": "onnxruntime.quant"})
    return model


def _name_nodes(graph: Any) -> None:
    taken = set()
    for number, node in enumerate(graph.node):
        if not node.name or node.name in taken:
            node.name = f"{node.op_type}_{number}"
        taken.add(node.name)


def _marks(model: Any) -> dict[str, str]:
    return {entry.key: entry.value for entry in model.metadata_props}


def _without_marks(onnx: Any, path: Path) -> None:
    """Remove the tool's own metadata, and the shapes, which ONNX Runtime infers again."""
    model = onnx.load(path)
    kept = {key: value for key, value in _marks(model).items() if not key.startswith(("onnx.infer", "onnx.quant"))}
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, kept)
    del model.graph.value_info[:]
    path.write_bytes(model.SerializeToString(deterministic=True))


def _candidates(model: Any, types: Sequence[str]) -> list[str]:
    """The nodes of these types with a constant float32 weight."""
    floats = {tensor.name for tensor in model.graph.initializer if tensor.data_type == 1 and len(tensor.dims) > 1}
    return [node.name for node in model.graph.node if node.op_type in types and _weight(node) in floats]


def _weight(node: Any) -> str | None:
    position = _WEIGHT.get(node.op_type, 1)
    return str(node.input[position]) if position < len(node.input) else None


def _reader(tools: Any, task: Task, records: Sequence[Record]) -> Any:
    """A calibration data reader that yields the tensors of one record at a time."""

    class Reader(tools.CalibrationDataReader):  # type: ignore[misc]  # untyped
        def __init__(self) -> None:
            self._tensors = (task.encode([record]) for record in records)

        def get_next(self) -> Any:
            return next(self._tensors, None)

    return Reader()


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the tool's advice on the root logger, all of which this module already follows."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


class _Search:
    """Searches for the smallest set of nodes to keep in float."""

    def __init__(self, quantizer: _Quantizer, bench: Bench, job: CompressionJob) -> None:
        self._quantizer = quantizer
        self._bench = bench
        self._max_drop = job.max_drop
        self._watch = job.watch
        quantizer.load(bench.original)

    def smallest_float_set(self) -> tuple[list[str], Verdict]:
        """The nodes and their verdict; the draft's graph is left in that state."""
        kept: list[str] = []
        verdict = self._try(kept)
        if not within(verdict, self._max_drop):
            kept = self._without_unneeded(self._add_until_within_budget())
            verdict = self._try(kept)
        return kept, verdict

    def _try(self, kept: Sequence[str]) -> Verdict:
        return self._bench.judge(self._quantizer.write(kept))

    def _add_until_within_budget(self) -> list[str]:
        nodes = self._quantizer.nodes
        order = self._by_sensitivity()
        with self._watch("Nodes put back to float", len(nodes) - 1) as advance:
            for count in range(1, len(nodes)):
                if within(self._try(order[:count]), self._max_drop):
                    return order[:count]
                advance()
        raise CheckFailedError(
            f"the drop exceeds the budget of {self._max_drop:g} on {self._bench.label} even with all but one of the "
            f"{len(nodes)} nodes in float; nothing was written"
        )

    def _by_sensitivity(self) -> list[str]:
        """The nodes, most sensitive first: in float, it brings the outputs closest to the original's."""
        divergence = {}
        with self._watch("Each node in float", len(self._quantizer.nodes)) as advance:
            for node in self._quantizer.nodes:
                divergence[node] = self._divergence([node])
                advance()
        return sorted(divergence, key=lambda node: divergence[node])

    def _divergence(self, kept: Sequence[str]) -> float:
        return self._bench.divergence(self._quantizer.write(kept), _SENSITIVITY_RECORDS)

    def _without_unneeded(self, kept: list[str]) -> list[str]:
        """Quantize again the nodes that the budget does not need in float, the least sensitive first."""
        with self._watch("Nodes quantized again", len(kept) - 1) as advance:
            for node in reversed(kept[:-1]):
                fewer = [name for name in kept if name != node]
                if within(self._try(fewer), self._max_drop):
                    kept = fewer
                advance()
        return kept


def _change(quantizer: _Quantizer, kept: list[str], steady: Steadiness) -> Change:
    method, per_channel, nodes = quantizer.method, quantizer.how.per_channel, quantizer.nodes
    channels = ", one scale for each channel" if per_channel and method != "weights" else ""
    what = "int8 weights" if method == "weights" else f"{method} int8"
    entry: dict[str, Any] = {
        "method": f"{what} by ONNX Runtime{channels}",
        "description": f"{len(nodes) - len(kept)} of {len(nodes)} nodes with weights. {_SCALES[method]}; "
        f"{steady.sentence}",
        "kept_in_float": kept,
    }
    if steady.batch is not None:
        entry["batch_independent"] = is_batch_independent(steady.batch)
    floats = f"{', '.join(kept)} stay in float." if kept else "No node is left in float."
    return Change(
        summary=f"The weights are int8: {entry['method']}, {entry['description']} {floats}",
        parameters={"method": method, "per_channel": per_channel, "kept_in_float": kept},
        document={"quantization": entry},
        used=(quantizer.calibration,) if quantizer.calibration else (),
    )
