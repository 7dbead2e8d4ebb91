"""The inputs of `slipway model advise`: the package, the records to measure with, and the sizes of messages."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from slipway.cli.model.local_packages import numbers_in, pull_of
from slipway.config import Config
from slipway.errors import NotFoundError
from slipway.models.advice.terms import Workload
from slipway.models.bundle import load_version
from slipway.models.gates.labelled import read_given
from slipway.models.manifest import Record
from slipway.models.measurements.sampling import sample_records
from slipway.models.package import MANIFEST, Package, load_package
from slipway.models.prediction.predictor import Predictor
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.requests import Telemetry

_ENVELOPE_BYTES = 150  # model, id and version around one prediction
_HEADER_BYTES = 400
_ACCESS_LOG_BYTES = 400
_CAPTURE_BYTES = 250  # of one capture, without its inputs and outputs
# CloudWatch Logs counts these for each event: https://aws.amazon.com/cloudwatch/pricing/
_EVENT_BYTES = 26


def find_package(model: str, settings: Config | None, root: Path) -> Package:
    """Find the package of ``MODEL``, ``MODEL:VERSION`` or a folder.

    Raises:
        NotFoundError: slipway.yaml has no such model, or the version or folder is not on this machine.
        PackageError: the package is altered or malformed.
    """
    if (Path(model) / MANIFEST).is_file():
        return load_package(Path(model))
    name, _, number = model.partition(":")
    if settings is None or name not in settings.models:
        raise NotFoundError("model or package folder", model, settings.models if settings else ())
    version, folder = number or str(settings.models[name].stable), settings.model_folder(root, name)
    if not (version.isdecimal() and (folder / version / MANIFEST).is_file()):
        raise NotFoundError(
            f"version of {name}", version, map(str, numbers_in(folder)), within=str(folder), way_out=pull_of(name, "N")
        )
    return load_version(settings, root, name, int(version))


def find_records(package: Package, path: Path | None) -> list[Record]:
    """The whole records of the file, else records made from the baseline."""
    return sample_records(package) if path is None else read_given(path, package.manifest).records


def workload(
    package: Package,
    records: Sequence[Record],
    settings: Config | None,
    *,
    rps: float,
    p99_ms: float,
    sizes: Mapping[str, int],
) -> Workload:
    """The traffic; ``sizes`` may override ``payload`` and ``response``, by default those of records and outputs."""
    outputs = Predictor(package, task_modules=settings.light.task_modules if settings else ()).predict(records)
    inputs_size, outputs_size = _mean_size([{"inputs": [record]} for record in records]), _mean_size(outputs)
    request = sizes.get("payload", inputs_size)
    return Workload(
        rps=rps,
        p99_ms=p99_ms,
        request_bytes=request,
        response_bytes=sizes.get("response", outputs_size + _ENVELOPE_BYTES) + _HEADER_BYTES,
        log_bytes=_log_bytes(package, settings, captured=request + outputs_size),
    )


def _mean_size(documents: Sequence[object]) -> int:
    return round(sum(len(json.dumps(document).encode()) for document in documents) / len(documents))


def _log_bytes(package: Package, settings: Config | None, *, captured: int) -> int:
    """Bytes logged per request of one record: metrics, the sampled share of a capture, and the API's access log."""
    name, version = package.manifest.name, str(package.manifest.version)
    written: list[str] = []
    telemetry = Telemetry(settings.project if settings else "slipway", "predict", write=written.append)
    for _ in range(2):  # the first includes the cold start
        with telemetry.request() as event:
            event.model = name
            event.count(metrics.PREDICTIONS, Version=version)
            event.count(metrics.INFERENCE_LATENCY, 1.234, Version=version)
    lines = written[-1].splitlines()
    own = sum(len(line.encode()) + _EVENT_BYTES for line in lines)
    deployed = settings.models.get(name) if settings else None
    share = deployed.capture.sample if deployed else 0.0
    return round(own + share * (captured + _CAPTURE_BYTES + _EVENT_BYTES) + _ACCESS_LOG_BYTES + _EVENT_BYTES)
