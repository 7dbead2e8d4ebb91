"""The options of `slipway batch run` on what happens to rows besides scoring: features, precomputing and sampling."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slipway.batch.extras import AskedExtras
from slipway.batch.features import FeaturesFrom
from slipway.batch.job import Extras
from slipway.batch.stores import Stores
from slipway.config import Config
from slipway.errors import InputError
from slipway.monitoring.drift.windows import window_of

if TYPE_CHECKING:
    from slipway.cli.deployed import Deployed

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


def asked_extras(
    *,
    features: FeaturesFrom,
    time_column: str | None,
    precompute: str | None,
    ttl: str | None,
    sample: float | None,
) -> AskedExtras:
    """What the options ask for; raises InputError for a malformed ``ttl``."""
    return AskedExtras(features=features, time_column=time_column, precompute=precompute, ttl=_ttl(ttl), sample=sample)


def deployment_of(config: Config, asked: AskedExtras, history: Path | None) -> "Deployed | None":
    """The deployment whose features or table of predictions a job on this machine needs; None if it needs none.

    Raises:
        InputError: there is a folder of histories, and none is read.
        NotFoundError, UnavailableError: as `find_deployed` does.
    """
    if history is not None and asked.features is not FeaturesFrom.HISTORY:
        raise InputError.of("--history", "is where features are read: give --features history, too")
    from_bucket = asked.features is FeaturesFrom.HISTORY and history is None
    if not (asked.features is FeaturesFrom.STORE or from_bucket or asked.precompute):
        return None
    from slipway.cli.deployed import find_deployed  # only what is deployed needs botocore

    return find_deployed(config.project)


def stores_of(config: Config, extras: Extras, history: Path | None, deployed: "Deployed | None") -> Stores:
    """The tables and histories that a job needs; raises NotFoundError if the deployment lacks one."""
    if deployed is None:
        return Stores(groups=config.features, history=history)
    from_store = extras.features is FeaturesFrom.STORE
    from_bucket = extras.features is FeaturesFrom.HISTORY and history is None
    options: dict[str, Any] = dict(deployed.options)
    return Stores(
        groups=config.features,
        features_table=deployed.output("FeaturesTable") if from_store else None,
        history=deployed.output("HistoryBucket") if from_bucket else history,
        predictions_table=deployed.output("PredictionsTable") if extras.precompute else None,
        options=options,
    )


def _ttl(text: str | None) -> timedelta | None:
    if text is None:
        return None
    now = datetime.now(UTC)
    return now - window_of(text, until=now, option="--ttl").since
