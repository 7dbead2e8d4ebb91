"""What the overview shows: each model's status as `slipway status` has it, with the last hour minute by minute."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slipway.aws.alarms import AlarmState, alarm_states
from slipway.cli.api import ApiError
from slipway.cli.status.overview import ModelStatus, Observer
from slipway.console.queries.series import Series, of_project, read_series
from slipway.console.workspace import Workspace
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.cloudwatch import SUM
from slipway.releases.record.document import ReleaseRecord

_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Observed:
    """A model's status, its description by the API, and its requests and errors of each minute of the last hour."""

    status: ModelStatus
    described: dict[str, Any]
    requests: tuple[float, ...]
    errors: tuple[float, ...]


def described_models(workspace: Workspace) -> list[dict[str, Any]]:
    """What the API says of its models."""
    models: list[dict[str, Any]] = workspace.api().get("/v1/models")["models"]
    return models


def api_health(workspace: Workspace) -> str | None:
    """Why the API is not ready; None if it is."""
    try:
        workspace.api().get("/v2/health/ready")
    except ApiError as error:
        return str(error.problem.get("detail") or error.problem.get("title") or error.status)
    return None


def observed_models(workspace: Workspace) -> list[Observed]:
    """The status of every model, of one GetMetricData."""
    project, deployed, now = workspace.config().project, workspace.deployed(), workspace.clock()
    models = described_models(workspace)
    observer = Observer(project, deployed, now=now, minutes=_MINUTES)
    series = read_series(observer.wanted(models), workspace.client("cloudwatch"), now=now)
    totals = series.totals()
    return [_observed(project, model, observer.status(model, totals), series) for model in models]


def _observed(project: str, model: dict[str, Any], status: ModelStatus, series: Series) -> Observed:
    name = model["name"]
    requests = series.counts(of_project(project, metrics.REQUESTS, SUM, Model=name))
    errors = series.counts(*(of_project(project, metrics.ERRORS, SUM, Model=name, Kind=kind) for kind in metrics.Kind))
    return Observed(status, model, tuple(requests), tuple(errors))


def current_releases(workspace: Workspace) -> dict[str, ReleaseRecord]:
    """The latest release of each model that has one."""
    return {record.model: record for record in workspace.store().current(workspace.config().models)}


def project_alarms(workspace: Workspace) -> Sequence[AlarmState]:
    """The alarms of the project's stacks."""
    return alarm_states(f"{workspace.config().project}-", workspace.client("cloudwatch"))
