"""Import an ONNX file, checked and reduced to one file and one output."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from slipway.config import FeatureType
from slipway.errors import CheckFailedError, InputError, PackageError
from slipway.models.extras import need
from slipway.models.importing.graphs import GraphDraft, read_graph
from slipway.models.importing.samples import Samples
from slipway.models.importing.source import Column, Exported, Fields, Traits, Values
from slipway.models.importing.tokens import INPUTS, encode_one, read_tokenizer
from slipway.models.manifest import Record
from slipway.models.prediction.predictor import RUNTIME_ERRORS, open_session

_TYPES = {"f": FeatureType.FLOAT, "i": FeatureType.INTEGER, "b": FeatureType.BOOLEAN, "O": FeatureType.STRING}


class OnnxFile:
    """A graph that takes a matrix of numbers, a column per field, or tokens."""

    kind = "ONNX file"
    frameworks = ("onnx",)

    def __init__(
        self, path: Path, *, output: str | None = None, tokenizer: Path | None = None, max_tokens: int | None = None
    ) -> None:
        """Check the file and read its inputs and outputs; its weights are not kept.

        Raises:
            PackageError: the file is not a valid ONNX graph, or keeps data outside its folder.
            InputError: it has several outputs of floats and ``output`` names none, or it takes tokens and there is no
                ``tokenizer``.
        """
        self._path, self._wanted = path, output
        draft = self._draft()
        self._inputs = {name: _dtype_and_width(draft.model, name) for name in draft.inputs}
        self._output, self._classes = draft.output, _zipmap_labels(draft.model)
        self._width, self._handles_missing = _width(draft), _handles_missing(draft.model)
        # The checker loads the weights, too: keep one copy at a time.
        del draft
        _check(path)
        self._tokenizer = self._read_tokenizer(tokenizer, max_tokens)

    def examples(self, names: Sequence[str]) -> Samples | None:
        """None: a graph contains no data."""

    def traits(self, samples: Samples | None) -> Traits:
        """Columns by the graph's names; a matrix has none, so the samples' columns are used in their order."""
        if self._tokenizer is not None:
            column = Column("text", FeatureType.STRING, is_text=True, nullable=False)
            return Traits((column,), "text-classification", self._classes, width=self._width)
        answers = "probabilities" if self._classes else None
        task = "tabular-classification" if self._classes else None
        return Traits(self._columns(samples), task, self._classes, answers, self._width)

    def answers(self, records: Sequence[Record], fields: Fields) -> Values:
        """The selected output as the file computes it; texts are predicted one at a time."""
        session = open_session(self._path, 1)
        batches = [[record] for record in records] if self._tokenizer is not None else [records]
        try:
            raw = [session.run([self._output], self._encode(batch, fields))[0] for batch in batches]
        except RUNTIME_ERRORS as error:
            raise CheckFailedError(f"{self._path.name} fails on the sample records: {error}") from error
        return np.concatenate([_rows(answer) for answer in raw])

    def export(self, _fields: Fields) -> Exported:
        """The graph, or the unchanged file if nothing needs to change."""
        draft = self._draft()
        tokenizer = None if self._tokenizer is None else str(self._tokenizer.to_str(pretty=True))
        external = any(weight.header for weight in draft.weights)
        if self._classes is not None:
            draft = _without_zipmap(draft)
        elif len(draft.model.graph.output) == 1 and not external:
            draft = replace(draft, file=self._path)
        return Exported(draft, tokenizer)

    def _draft(self) -> GraphDraft:
        model, weights = read_graph(self._path)
        constants = {tensor.name for tensor in model.graph.initializer} | {weight.name for weight in weights}
        inputs = tuple(value.name for value in model.graph.input if value.name not in constants)
        return GraphDraft(model, inputs, _chosen_output(self._path, model, self._wanted), weights)

    def _read_tokenizer(self, path: Path | None, max_tokens: int | None) -> Any:
        if "input_ids" not in self._inputs:
            return None
        if not set(self._inputs) <= set(INPUTS):
            raise InputError.of(
                "--onnx",
                f"the graph takes {', '.join(self._inputs)}; with tokens, only {', '.join(INPUTS)} are supported",
            )
        if path is None:
            raise InputError.of("--tokenizer", "is required because the graph takes input_ids: give its tokenizer.json")
        return read_tokenizer(path, most=max_tokens)

    def _columns(self, samples: Samples | None) -> tuple[Column, ...] | None:
        if len(self._inputs) > 1:
            return tuple(
                Column(name, _TYPES[dtype.kind], nullable=self._nullable(dtype))
                for name, (dtype, _) in self._inputs.items()
            )
        ((dtype, width),) = self._inputs.values()
        if samples is None:
            return None
        if width is not None and len(samples.columns) != width:
            columns = ", ".join(samples.columns)
            message = f"the graph takes a matrix of {width} columns; besides the label, {samples.name} has {columns}"
            raise InputError.of("--records", message)
        # A matrix of floats may also hold integers: the samples decide.
        kind = None if dtype.kind == "f" else _TYPES[dtype.kind]
        return tuple(Column(name, kind, nullable=self._nullable(dtype)) for name in samples.columns)

    def _nullable(self, dtype: np.dtype[Any]) -> bool | None:
        """False if an input of this type cannot be missing; trees without a side for NaN answer, but mean nothing."""
        return None if dtype.kind == "f" and self._handles_missing else False

    def _encode(self, records: Sequence[Record], fields: Fields) -> dict[str, Values]:
        if self._tokenizer is not None:
            return self._of_type(encode_one(self._tokenizer, str(records[0][fields.names[0]]), tuple(self._inputs)))
        table = [[record[name] for name in fields.names] for record in records]
        if len(self._inputs) == 1:
            return {name: np.array(table, dtype) for name, (dtype, _) in self._inputs.items()}
        columns = zip(self._inputs.items(), zip(*table, strict=True), strict=True)
        return {name: np.array(values, dtype).reshape(-1, 1) for (name, (dtype, _)), values in columns}

    def _of_type(self, tensors: Mapping[str, Values]) -> dict[str, Values]:
        return {name: tensor.astype(self._inputs[name][0]) for name, tensor in tensors.items()}


def _check(path: Path) -> None:
    checker = need("onnx.checker", "import")
    try:
        checker.check_model(str(path))
    except checker.ValidationError as error:
        raise PackageError(path, f"is not a valid ONNX graph: {' '.join(str(error).split())}") from error


def _dtype_and_width(model: Any, name: str) -> tuple[np.dtype[Any], int | None]:
    onnx = need("onnx", "import")
    tensor = next(value for value in model.graph.input if value.name == name).type.tensor_type
    if tensor.elem_type == onnx.TensorProto.UNDEFINED:
        raise InputError.of("--onnx", f"the graph's input {name} is not a tensor")
    dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type))
    if dtype.kind not in _TYPES:
        raise InputError.of("--onnx", f"the graph's input {name} is {dtype}, a type that no field has")
    sizes = tensor.shape.dim
    fixed = len(sizes) == 2 and sizes[1].HasField("dim_value")
    return dtype, int(sizes[1].dim_value) if fixed else None


def _chosen_output(path: Path, model: Any, wanted: str | None) -> str:
    """The output with the answers: the named one, else a ZipMap's, else the only one of floats."""
    names = [value.name for value in model.graph.output]
    zipmap = _zipmap(model)
    if wanted is not None and wanted not in names:
        raise InputError.of("--graph-output", f"{path.name} has no output {wanted}; it has {', '.join(names)}")
    floats = [value.name for value in model.graph.output if _is_float(value)]
    found = [wanted] if wanted else [zipmap.output[0]] if zipmap is not None else floats
    if len(found) != 1:
        raise InputError.of("--graph-output", f"name the output with the answers; {path.name} has {', '.join(names)}")
    return str(found[0])


def _is_float(value: Any) -> bool:
    kinds = need("onnx", "import").TensorProto
    return value.type.tensor_type.elem_type in (kinds.FLOAT, kinds.DOUBLE, kinds.FLOAT16)


def _width(draft: GraphDraft) -> int | None:
    """The number of outputs per record, or None if the graph does not declare it."""
    if labels := _zipmap_labels(draft.model):
        return len(labels)
    sizes = next(v for v in draft.model.graph.output if v.name == draft.output).type.tensor_type.shape.dim
    if len(sizes) == 1:
        return 1
    fixed = len(sizes) == 2 and sizes[1].HasField("dim_value")
    return int(sizes[1].dim_value) if fixed else None


def _handles_missing(model: Any) -> bool:
    """Whether a node of the graph was made for NaN: an imputer, a test for it, or trees that know its side."""
    nodes = model.graph.node
    tracks = [
        attribute for node in nodes for attribute in node.attribute if "missing_value_tracks_true" in attribute.name
    ]
    return any(node.op_type in ("Imputer", "IsNaN") for node in nodes) or any(
        any(attribute.ints) or (attribute.HasField("t") and any(attribute.t.raw_data)) for attribute in tracks
    )


def _zipmap(model: Any) -> Any:
    return next((node for node in model.graph.node if node.op_type == "ZipMap"), None)


def _zipmap_labels(model: Any) -> tuple[str, ...] | None:
    """The labels of a ZipMap, which scikit-learn's exporter appends to classifiers by default."""
    node = _zipmap(model)
    if node is None:
        return None
    attributes = {attribute.name: attribute for attribute in node.attribute}
    if "classlabels_strings" in attributes:
        return tuple(label.decode() for label in attributes["classlabels_strings"].strings)
    return tuple(str(label) for label in attributes["classlabels_int64s"].ints)


def _without_zipmap(draft: GraphDraft) -> GraphDraft:
    """Replace the ZipMap's output with its input, a matrix of probabilities."""
    onnx = need("onnx", "import")
    graph, node = draft.model.graph, _zipmap(draft.model)
    name, width = node.input[0], len(_zipmap_labels(draft.model) or ())
    graph.node.remove(node)
    del graph.output[:]
    graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", width]))
    return replace(draft, output=name)


def _rows(answer: Any) -> Values:
    """The outputs of a run as ``[records, width]``; a ZipMap returns one dictionary per record."""
    if isinstance(answer, list):
        return np.array([list(row.values()) for row in answer], np.float64)
    array = np.asarray(answer)
    return array.reshape(len(array), -1)
