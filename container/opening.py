"""Opens versions on the processor that slipway.yaml names: from the image, or from the registry."""

from pathlib import Path

from slipway.config import Config
from slipway.config.heavy import HeavyConfig
from slipway.errors import ConfigError, FieldProblem, GoldenError
from slipway.models.bundle import load_version
from slipway.models.measurements.golden import GPU_TOLERANCE, prove
from slipway.models.package import Package
from slipway.models.prediction.predictor import Predictor
from slipway.models.registry.fetching import find_version
from slipway.models.registry.opening import aws_registry
from slipway.monitoring.telemetry.golden import golden_failure_line
from slipway.monitoring.telemetry.requests import write_to_stdout

PROVIDERS = {"fargate": ("CPUExecutionProvider",), "gpu": ("CUDAExecutionProvider", "CPUExecutionProvider")}


def open_package(
    config: Config, root: Path, model: str, version: int, *, bucket: str | None, table: str | None, downloads: Path
) -> Package:
    """The checked package of a version; without ``bucket`` and ``table`` there is no registry.

    Raises:
        PackageError, NotFoundError, UnavailableError, ConfigError: as `find_version` does.
    """
    if bucket is None or table is None:
        return load_version(config, root, model, version)
    return find_version(config, root, aws_registry(table, bucket)(), model, version, cache=downloads)


def open_graph(config: Config, package: Package, *, threads: int) -> Predictor:
    """Open a package's graph; raises ConfigError if that is on another processor than slipway.yaml says."""
    name = package.manifest.name
    heavy = config.models[name].heavy
    modules = config.light.task_modules
    predictor = Predictor(package, threads=threads, task_modules=modules, providers=PROVIDERS[heavy.compute])
    _refuse_fallback(name, heavy, predictor)
    return predictor


def prove_graph(config: Config, predictor: Predictor) -> None:
    """Have a version prove itself on its processor, and count it if it cannot, since this process then ends.

    Raises:
        PackageError: slipway.yaml requires golden records and there are none.
        GoldenError: it does not give the answers that its golden records expect.
    """
    manifest = predictor.manifest
    model = config.models[manifest.name]
    least = GPU_TOLERANCE if model.heavy.compute == "gpu" else 0.0
    try:
        prove(predictor, required=model.gates.requires_golden, least=least)
    except GoldenError as error:
        write_to_stdout(golden_failure_line(config.project, manifest.name, manifest.version, error))
        raise


def _refuse_fallback(model: str, heavy: HeavyConfig, predictor: Predictor) -> None:
    """Raise ConfigError if ONNX Runtime fell back to the CPU, which it does silently and many times slower."""
    wanted = PROVIDERS[heavy.compute][0]
    if wanted not in predictor.session.get_providers():
        message = f"is {heavy.compute}, and ONNX Runtime cannot use {wanted} here: is this the GPU image, on a GPU?"
        raise ConfigError("slipway.yaml", [FieldProblem(f"models.{model}.heavy.compute", message)])
