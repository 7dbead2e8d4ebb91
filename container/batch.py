"""Score one shard of a batch job: `python -m container batch`, which its environment names."""

import logging
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from container.opening import open_graph, open_package, prove_graph
from container.settings import DOWNLOADS, ENVIRONMENT, ROOT
from slipway.batch.account.runs import Run
from slipway.batch.account.work import JobScorer, Worker
from slipway.batch.job import Job
from slipway.batch.stores import Stores
from slipway.config import Config, load_config
from slipway.config.deployment.environment import (
    BATCH_BUCKET,
    BATCH_RUN,
    BATCH_SHARD,
    CONTROL_TABLE,
    FEATURES_TABLE,
    HISTORY_BUCKET,
    MODEL_BUCKET,
    PREDICTIONS_TABLE,
)
from slipway.errors import ConfigError, FieldProblem, NotFoundError, SlipwayError
from slipway.models.registry.bucket import s3_client
from slipway.models.registry.opening import downloads_folder
from slipway.serving.batching.processors import available_processors


@dataclass(frozen=True)
class BatchSettings:
    """A task's settings; the rest is as in `container.settings`."""

    run: Run
    shard: int
    bucket: str
    root: Path = Path()
    environment: str | None = None
    model_bucket: str | None = None
    control_table: str | None = None
    downloads: Path = Path()
    features_table: str | None = None
    history_bucket: str | None = None
    predictions_table: str | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "BatchSettings":
        """Read an environment; raises ConfigError, which names every missing or invalid variable."""
        needed = (BATCH_RUN, BATCH_SHARD, BATCH_BUCKET)
        if missing := [FieldProblem(name, "is required") for name in needed if not environment.get(name)]:
            raise ConfigError("the environment", missing)
        try:
            run, shard = Run.model_validate_json(environment[BATCH_RUN]), int(environment[BATCH_SHARD])
        except (ValidationError, ValueError) as error:
            message = f"they must be a run as JSON and a number: {error}"
            raise ConfigError("the environment", [FieldProblem(f"{BATCH_RUN}, {BATCH_SHARD}", message)]) from error
        return cls(
            run,
            shard,
            environment[BATCH_BUCKET],
            root=Path(environment.get(ROOT) or "."),
            environment=environment.get(ENVIRONMENT) or None,
            model_bucket=environment.get(MODEL_BUCKET) or None,
            control_table=environment.get(CONTROL_TABLE) or None,
            downloads=Path(environment[DOWNLOADS]) if environment.get(DOWNLOADS) else downloads_folder(),
            features_table=environment.get(FEATURES_TABLE) or None,
            history_bucket=environment.get(HISTORY_BUCKET) or None,
            predictions_table=environment.get(PREDICTIONS_TABLE) or None,
        )


def main(_: Sequence[str]) -> int:
    """Score the shard; return 1, and say why, if that fails."""
    try:
        settings = BatchSettings.of(os.environ)
        config = load_config(settings.root / "slipway.yaml", settings.environment)
        worker = Worker(settings.bucket, s3_client(), _opens(config, settings))
        worker.score_number(settings.run, settings.shard)
    except SlipwayError as error:
        logging.getLogger("slipway").error("the shard was not scored: %s", error)
        return 1
    return 0


def _opens(config: Config, settings: BatchSettings) -> Callable[[Job], JobScorer]:
    stores = Stores(config.features, settings.features_table, settings.history_bucket, settings.predictions_table)

    def opened(job: Job) -> JobScorer:
        if job.model not in config.models:
            raise NotFoundError("model", job.model, config.models, within="slipway.yaml")
        registry = {"bucket": settings.model_bucket, "table": settings.control_table}
        package = open_package(config, settings.root, job.model, job.version, downloads=settings.downloads, **registry)
        threads = min(available_processors(), math.ceil(config.models[job.model].heavy.cpu))
        predictor = open_graph(config, package, threads=threads)
        prove_graph(config, predictor)
        return JobScorer.of(job, predictor, stores)

    return opened
