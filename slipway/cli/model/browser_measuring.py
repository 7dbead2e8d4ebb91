"""Measure the export for the web for `slipway model advise`, where Node and the npm packages are there."""

from pathlib import Path
from tempfile import TemporaryDirectory

from slipway.errors import CheckFailedError, GoldenError, InputError, MissingExtraError, PackageError
from slipway.models.advice.ways import Browser
from slipway.models.package import Package

_REFUSED = (CheckFailedError, GoldenError, InputError, MissingExtraError, PackageError)


def measure_browser(package: Package, node_modules: Path) -> Browser | str:
    """Export, load and predict in Node; or say in a few words why that cannot be done here."""
    from slipway.edge.node import prove_in_node
    from slipway.edge.web import export_web

    with TemporaryDirectory() as folder:
        try:
            made = export_web(package, Path(folder) / "web", node_modules=node_modules)
            proof = prove_in_node(made.folder)
        except _REFUSED as error:
            return str(error).partition(";")[0]
    if proof is None:
        return "there is no Node on the path"
    return Browser(proof.median_ms, proof.load_ms, proof.memory_mb, made.bytes)
