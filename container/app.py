"""Assembles one slot: loads, checks and tunes one version of one heavy model."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from container.balancer import Balancer
from container.opening import open_graph, open_package, prove_graph
from container.settings import MODEL, Settings
from container.tracing import tracer_provider
from slipway.aws.table import Backoff, lazy_client
from slipway.config import Config, load_config
from slipway.config.heavy import HeavyConfig
from slipway.errors import ConfigError, FieldProblem
from slipway.models.measurements.sampling import sample_records
from slipway.models.package import Package
from slipway.models.prediction.predictor import Predictor
from slipway.monitoring.feedback.key_parameter import KeyParameter
from slipway.monitoring.feedback.key_ring import IdSigner, OwnKeys
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.attempts import BatchedAttempts
from slipway.monitoring.telemetry.buffering import BufferedTelemetry
from slipway.monitoring.telemetry.gpu import gpu_utilization
from slipway.releases.routing.serving_table import DynamoServingStore
from slipway.serving.apis.health import Readiness
from slipway.serving.batching.executor import Executor
from slipway.serving.batching.processors import available_processors
from slipway.serving.batching.threaded import ThreadedRunner
from slipway.serving.batching.tuning import Tuned, tune
from slipway.serving.http.app import App
from slipway.serving.prediction.pipeline import PredictionPipeline
from slipway.serving.prediction.served import ServedModels
from slipway.serving.prediction.tables import open_cache, open_precomputed, open_store
from slipway.serving.slot.app import slot_app
from slipway.serving.slot.forwarding import Forwarding
from slipway.serving.slot.lifecycle import Housekeeping
from slipway.serving.slot.releases import SlotReleases

if TYPE_CHECKING:
    from slipway.aws.table import ClientFactory


@dataclass(frozen=True)
class Slot:
    """The parts that the server runs: the app, its housekeeping, its readiness and its slipway.yaml settings."""

    app: App
    housekeeping: Housekeeping
    readiness: Readiness
    heavy: HeavyConfig


def make_slot(settings: Settings) -> Slot:
    """Load the slot's version from the bundle or the registry, and tune how to run it on this machine.

    Raises:
        ConfigError: slipway.yaml is invalid or does not have the model.
        PackageError, NotFoundError, UnavailableError: the version cannot be found, fetched or loaded.
        GoldenError: the version does not give the answers that its golden records expect.
        PredictionError: the version fails on records sampled like its baseline.
    """
    config = _only(load_config(settings.root / "slipway.yaml", settings.environment), settings)
    heavy = config.models[settings.model].heavy
    package = open_package(
        config,
        settings.root,
        settings.model,
        settings.version,
        bucket=settings.model_bucket,
        table=settings.control_table,
        downloads=settings.downloads,
    )
    tuned = _tuned(config, heavy, package)
    prove_graph(config, tuned.predictor)
    client = lazy_client()
    if settings.features_table or settings.predictions_table:
        client()  # takes a quarter of a second, which the first request should not pay
    releases = _releases(config, settings, client)
    telemetry = _telemetry(config, settings)
    attempts = BatchedAttempts(
        config.project, settings.model, settings.version, watched=releases.is_comparing, write=telemetry.write
    )
    executor = Executor(settings.model, tuned.predictor, tuned.plan, around=attempts.write)
    runner = ThreadedRunner(executor, telemetry, attempts, version=settings.version, timeout=heavy.timeout_seconds)
    ids = IdSigner(KeyParameter(settings.id_keys) if settings.id_keys else OwnKeys())
    ids.refresh()
    forwarding = Forwarding(releases, Balancer(settings.balancer)) if settings.balancer else None
    pipeline = PredictionPipeline(
        ServedModels(config, {(settings.model, settings.version): tuned.predictor}, releases=releases),
        runner,
        store=open_store(settings.features_table, config, client),
        cache=open_cache(settings.predictions_table, client),
        precomputed=open_precomputed(settings.predictions_table, config, client),
        peers=forwarding,
        ids=ids,
    )
    gpu = gpu_utilization if heavy.compute == "gpu" else None
    housekeeping = Housekeeping(runner, telemetry, releases, forwarding, gpu, ids)
    readiness = Readiness()
    app = slot_app(pipeline, housekeeping, readiness, tracer_provider(settings.traces_endpoint))
    return Slot(app, housekeeping, readiness, heavy)


def _only(config: Config, settings: Settings) -> Config:
    """Reduce slipway.yaml to this slot's one version of one model, whatever its release says."""
    model = config.models.get(settings.model)
    if model is None:
        known = ", ".join(config.heavy_models) or "none"
        message = f"names {settings.model}, which is not in slipway.yaml; its heavy models are {known}"
        raise ConfigError("the environment", [FieldProblem(MODEL, message)])
    served = model.model_copy(update={"versions": (settings.version,), "stable": settings.version})
    return config.model_copy(update={"models": {settings.model: served}})


def _releases(config: Config, settings: Settings, client: "ClientFactory") -> SlotReleases:
    """Read the releases from the control table in one attempt; housekeeping retries a failed read seconds later."""
    store = None
    if settings.control_table is not None:
        store = DynamoServingStore(settings.control_table, client=client, backoff=Backoff(attempts=1))
    releases = SlotReleases(config, settings.model, settings.version, store)
    releases.refresh()
    return releases


def _tuned(config: Config, heavy: HeavyConfig, package: Package) -> Tuned[Predictor]:
    processors = min(available_processors(), math.ceil(heavy.cpu))

    def opened(threads: int) -> Predictor:
        return open_graph(config, package, threads=threads)

    return tune(heavy, package, opened, sample_records(package), processors=processors)


def _telemetry(config: Config, settings: Settings) -> BufferedTelemetry:
    dimensions = {metrics.SLOT: settings.slot, metrics.VERSION: str(settings.version)}
    return BufferedTelemetry(config.project, settings.model, dimensions)
