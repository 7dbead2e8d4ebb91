"""The functions of batch jobs: each event of the state machine names a step, and a role may do only its own."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Annotated, Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field, TypeAdapter

from functions.batch.settings import Settings
from slipway.batch.account.reporting import summary_line
from slipway.batch.account.runs import FinishRequest, PlanRequest, ScoreRequest
from slipway.batch.account.versions import FoundVersions
from slipway.batch.account.work import Finisher, JobScorer, Planner, Worker, to_shard
from slipway.batch.job import Job
from slipway.batch.stores import Stores
from slipway.config import Config, load_config
from slipway.models.registry.bucket import s3_client
from slipway.models.registry.opening import aws_registry, downloads_folder
from slipway.monitoring.telemetry.golden import counting_golden_failures
from slipway.monitoring.telemetry.instrumentation import Handler, instrument
from slipway.monitoring.telemetry.requests import write_to_stdout
from slipway.releases.routing.serving_table import DynamoServingStore, stable_of

_REQUEST: TypeAdapter[PlanRequest | ScoreRequest | FinishRequest] = TypeAdapter(
    Annotated[PlanRequest | ScoreRequest | FinishRequest, Field(discriminator="step")]
)

_COUNTS = {"rows", "scored", "rejected", "precomputed", "sampled", "parts"}


def make_handler(settings: Settings) -> Handler[dict[str, Any]]:
    """Create the handler of the three steps. Its errors keep their names and messages in the state machine."""
    config = load_config(settings.root / "slipway.yaml")
    versions = FoundVersions(
        config, settings.root, aws_registry(settings.control_table, settings.model_bucket), cache=downloads_folder()
    )
    client = s3_client()
    stable = partial(stable_of, DynamoServingStore(settings.control_table), config)
    planner = Planner(config, settings.bucket, client, versions.manifest, stable)
    stores = Stores(config.features, settings.features_table, settings.history_bucket, settings.predictions_table)
    worker = Worker(settings.bucket, client, _kept_open(versions, stores))
    finisher = Finisher(settings.bucket, client)

    def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
        match _REQUEST.validate_python(event):
            case PlanRequest() as request:
                return planner.plan(request).model_dump(mode="json")
            case ScoreRequest() as request:
                outcome = worker.score(request.run, to_shard(request.shard))
                return {} if outcome is None else outcome.model_dump(mode="json", exclude={"labels"})
            case FinishRequest() as request:
                return _finished(config, finisher, request)

    return instrument(handle, service="batch")


def _kept_open(versions: FoundVersions, stores: Stores) -> Callable[[Job], JobScorer]:
    """Opens the version of a job, and keeps it and the histories it has read for the next shard."""
    predictor = lru_cache(maxsize=1)(
        counting_golden_failures(versions.predictor, versions.config.project, write_to_stdout)
    )

    @lru_cache(maxsize=1)
    def opened(job: Job) -> JobScorer:
        return JobScorer.of(job, predictor(job.model, job.version), stores)

    return opened


def _finished(config: Config, finisher: Finisher, request: FinishRequest) -> dict[str, Any]:
    summary = finisher.finish(request.run)
    write_to_stdout(summary_line(config.project, summary, datetime.now(UTC)))
    # The summary itself is in the output; labels may be many, and a state's output has a limit.
    return summary.model_dump(mode="json", include=_COUNTS)


handler = make_handler(Settings.of(os.environ))
