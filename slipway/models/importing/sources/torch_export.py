"""Export a PyTorch module as an ONNX graph whose weights stay with PyTorch until each is written."""

import logging
import shutil
import tempfile
import warnings
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from slipway.errors import InputError
from slipway.models.extras import need
from slipway.models.importing.graphs import GraphDraft, Weight, array_weight, read_graph

OUTPUT = "answers"
# The newest opset that the tracing exporter supports for all its operators; ONNX Runtime 1.31 reads it.
_OPSET = 18


def export_module(
    module: Any, arguments: Sequence[Any], names: Sequence[str], dynamic: Mapping[int, str], folder: Path
) -> GraphDraft:
    """Export ``module`` as called with ``arguments``; ``dynamic`` names the free dimensions.

    Tracing takes one second and capturing the program fifteen, so capturing is used only where tracing fails. The check
    against the original catches errors of tracing. The traced graph is written to ``folder`` for a moment.

    Raises:
        InputError: neither exporter can export the module.
    """
    torch = need("torch", "torch")
    try:
        return _trace(module, tuple(arguments), list(names), dynamic, folder)
    except (torch.onnx.errors.OnnxExporterError, RuntimeError, TypeError, ValueError) as tracing:
        need("onnxscript", "import")
        try:
            return _capture(module, tuple(arguments), list(names), dynamic)
        except (torch.onnx.errors.OnnxExporterError, RuntimeError, TypeError, ValueError) as error:
            raise InputError.of(
                "model", f"PyTorch cannot export the module: {_short(tracing)}; {_short(error)}"
            ) from error


def _trace(
    module: Any, arguments: tuple[Any, ...], names: list[str], dynamic: Mapping[int, str], folder: Path
) -> GraphDraft:
    """Trace the graph with its parameters as inputs, which are then filled from the module."""
    path = folder / "traced.onnx"
    torch = need("torch", "torch")
    axes = {name: dict(dynamic) for name in names} | {OUTPUT: {0: "batch"}}
    with _quiet():
        torch.onnx.export(
            module,
            arguments,
            str(path),
            input_names=names,
            output_names=[OUTPUT],
            dynamic_axes=axes,
            opset_version=_OPSET,
            dynamo=False,
            export_params=False,
            do_constant_folding=False,
        )
    model, weights = read_graph(path)
    path.unlink()
    filled = _fill(model, module.state_dict(), names)
    return GraphDraft(model, tuple(names), OUTPUT, [*weights, *filled])


def _capture(module: Any, arguments: tuple[Any, ...], names: list[str], dynamic: Mapping[int, str]) -> GraphDraft:
    """Capture the program with `torch.export`; its weights are in a file beside the graph until they are copied."""
    scratch = Scratch()
    path = scratch.folder / "captured.onnx"
    torch = need("torch", "torch")
    dimensions = dict.fromkeys(dynamic, torch.export.Dim.DYNAMIC)
    with _quiet():
        torch.onnx.export(
            module,
            arguments,
            str(path),
            input_names=names,
            output_names=[OUTPUT],
            dynamic_shapes=tuple(dict(dimensions) for _ in names),
            opset_version=_OPSET,
            dynamo=True,
            external_data=True,
            verbose=False,
        )
    model, weights = read_graph(path)
    return GraphDraft(model, tuple(names), OUTPUT, [scratch.kept_for(weight) for weight in weights])


class Scratch:
    """A temporary folder that lasts as long as the weights that are read from it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def kept_for(self, weight: Weight) -> Weight:
        """The weight, which keeps the folder until it is dropped itself."""
        return replace(weight, read=partial(self._read, weight.read))

    def _read(self, read: Callable[[], Iterator[Any]]) -> Iterator[Any]:
        yield from read()


def _fill(model: Any, state: Mapping[str, Any], names: Sequence[str]) -> list[Weight]:
    """Turn parameter inputs into weights, transposed if the graph would transpose them on every run."""
    graph = model.graph
    parameters = [value.name for value in graph.input if value.name not in names]
    kept = [value for value in graph.input if value.name in names]
    copies = [type(value).FromString(value.SerializeToString()) for value in kept]
    del graph.input[:]
    graph.input.extend(copies)
    turned = _fold_transposes(graph, set(parameters))
    used = {name for node in graph.node for name in node.input}
    plain = [_weight(name, state[name]) for name in parameters if name in used]
    return plain + [_weight(new, state[name].t()) for new, name in turned.items()]


def _fold_transposes(graph: Any, parameters: set[str]) -> dict[str, str]:
    """Remove nodes that transpose a parameter; returns the parameter's name by that of the node's output."""
    turned = {
        node.output[0]: node.input[0]
        for node in graph.node
        if node.op_type == "Transpose" and node.input[0] in parameters and list(node.attribute[0].ints) == [1, 0]
    }
    for node in [node for node in graph.node if node.op_type == "Transpose" and node.output[0] in turned]:
        graph.node.remove(node)
    return turned


def _weight(name: str, tensor: Any) -> Weight:
    values = tensor.detach().cpu()
    return array_weight(name, tuple(values.shape), values.numpy().dtype, values.numpy)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence PyTorch's messages on its exporters, which do not concern the user."""
    # PyTorch 2.13 writes a graph that it cannot export to standard output, which is reserved for --json.
    need("torch", "torch")._C._jit_set_onnx_log_output_stream("stderr")
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
