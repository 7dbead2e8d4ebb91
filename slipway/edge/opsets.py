"""Whether onnxruntime-web can open a graph, by the versions that the graph is written in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway.errors import PackageError
from slipway.models.extras import need
from slipway.models.package import Package

ONNX = ""


@dataclass(frozen=True, slots=True)
class GraphVersions:
    """The versions of a graph's format and of its sets of operators, by domain."""

    format: int
    opsets: Mapping[str, int]
    has_data_outside: bool = False


# Measured with onnxruntime-web 1.30.0: tests/integration/edge/test_opsets.py opens a graph of each, and of the next.
WEB = GraphVersions(format=13, opsets={ONNX: 26, "ai.onnx.ml": 5, "com.microsoft": 1})
"""The newest that onnxruntime-web takes."""


def graph_versions(package: Package) -> GraphVersions:
    """Read the versions of a package's graph; raises MissingExtraError without the extra `import`."""
    onnx: Any = need("onnx", "import")
    graph = onnx.load(package.path(package.manifest.graph.file), load_external_data=False)
    outside = any(each.data_location == onnx.TensorProto.EXTERNAL for each in graph.graph.initializer)
    return GraphVersions(graph.ir_version, {each.domain: each.version for each in graph.opset_import}, outside)


def require_web_versions(package: Package) -> GraphVersions:
    """The graph's versions.

    Raises:
        PackageError: onnxruntime-web would refuse the graph; the message names the version that it takes.
        MissingExtraError: the extra `import` is not installed.
    """
    found = graph_versions(package)
    path = package.path(package.manifest.graph.file)
    if found.has_data_outside:
        raise PackageError(path, "keeps weights in another file; a browser takes a graph in one file")
    if found.format > WEB.format:
        raise PackageError(path, f"is of ONNX's format {found.format}; onnxruntime-web takes up to {WEB.format}")
    for domain, version in found.opsets.items():
        name = domain or "ai.onnx"
        if domain not in WEB.opsets:
            known = ", ".join(each or "ai.onnx" for each in WEB.opsets)
            raise PackageError(path, f"has operators of {name}; onnxruntime-web has those of {known}")
        if version > WEB.opsets[domain]:
            message = f"is of opset {version} of {name}; onnxruntime-web takes up to {WEB.opsets[domain]}"
            raise PackageError(path, f"{message}: export the graph with an older opset")
    return found
