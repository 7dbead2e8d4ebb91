"""The options of `slipway batch run` on what happens to rows besides scoring: features, precomputing and sampling."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from slipway.batch.features import FeaturesFrom
from slipway.batch.job import TIME_TO_LIVE, Extras
from slipway.batch.precompute import require_precomputable
from slipway.batch.stores import Stores
from slipway.cli.model.local_packages import Project
from slipway.config import Config
from slipway.errors import InputError
from slipway.models.manifest import Manifest
from slipway.monitoring.drift.windows import window_of

FeaturesOption = Annotated[
    FeaturesFrom, typer.Option("--features", help="Where the features of entities that rows name are read.")
]
TimeColumnOption = Annotated[
    str | None, typer.Option("--time-column", help="The column with each row's time. Default with history: time.")
]
HistoryFolderOption = Annotated[
    Path | None, typer.Option("--history", metavar="DIR", help="A folder of histories. Default: the deployed bucket.")
]
PrecomputeOption = Annotated[
    str | None, typer.Option("--precompute", metavar="ENTITY", help="Also let the API answer from it for this entity.")
]
TtlOption = Annotated[
    str | None, typer.Option("--ttl", help="How long the API answers from it: 90m, 24h or 7d. Default: 24h.")
]
SampleOption = Annotated[
    float | None,
    typer.Option("--sample", min=0, max=1, help="The share of rows to profile. Default: capture.sample of the model."),
]
_TIME = "time"


def extras_of(
    project: Project,
    manifest: Manifest,
    *,
    features: FeaturesFrom,
    time_column: str | None,
    precompute: str | None,
    ttl: str | None,
    sample: float | None,
) -> Extras:
    """What the options ask for.

    Raises:
        InputError: options do not go together, or the API could not answer from what would be precomputed.
    """
    if time_column is not None and features is not FeaturesFrom.HISTORY:
        raise InputError.of("--time-column", "is for features as they were at a time: give --features history, too")
    if ttl is not None and precompute is None:
        raise InputError.of("--ttl", "is for precomputed answers: give --precompute, too")
    if precompute is not None:
        owners = {name: group.entity for name, group in project.settings.features.items()}
        require_precomputable(manifest, owners, precompute, project.model.cache.precomputed)
    capture = project.model.capture
    made = Extras(features=features, precompute=precompute, ttl=_ttl(ttl), sample=_share(capture.sample, sample))
    if features is FeaturesFrom.HISTORY:
        made = replace(made, time_column=time_column or _TIME)
    if made.sample > 0:
        made = replace(made, captures=capture.reservoir, sampled_by=_sampled_by(project, manifest))
    return made


def stores_of(config: Config, extras: Extras, history: Path | None) -> Stores:
    """The tables and histories that a job needs, of the project's deployment.

    Raises:
        InputError: there is a folder of histories, and none is read.
        NotFoundError, UnavailableError: as `find_deployed` does, where something of a deployment is needed.
    """
    if history is not None and extras.features is not FeaturesFrom.HISTORY:
        raise InputError.of("--history", "is where features are read: give --features history, too")
    from_store = extras.features is FeaturesFrom.STORE
    from_bucket = extras.features is FeaturesFrom.HISTORY and history is None
    if not (from_store or from_bucket or extras.precompute):
        return Stores(groups=config.features, history=history)
    from slipway.cli.deployed import find_deployed  # only what is deployed needs botocore

    deployed = find_deployed(config.project)
    options: dict[str, Any] = dict(deployed.options)
    return Stores(
        groups=config.features,
        features_table=deployed.output("FeaturesTable") if from_store else None,
        history=deployed.output("HistoryBucket") if from_bucket else history,
        predictions_table=deployed.output("PredictionsTable") if extras.precompute else None,
        options=options,
    )


def _ttl(text: str | None) -> timedelta:
    if text is None:
        return TIME_TO_LIVE
    now = datetime.now(UTC)
    return now - window_of(text, until=now, option="--ttl").since


def _share(configured: float, asked: float | None) -> float:
    return configured if asked is None else asked


def _sampled_by(project: Project, manifest: Manifest) -> str | None:
    """The entity that is sampled, as serving chooses it: that of `capture.entity`, else of the first feature group."""
    capture = project.model.capture
    if capture.by != "entity":
        return None
    owners = project.settings.features
    return capture.entity or next((owners[group].entity for group in manifest.groups if group in owners), None)
