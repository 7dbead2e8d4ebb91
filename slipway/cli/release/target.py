"""Find the releases that the commands use: in a running embedded AWS, else in the deployed stacks."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from slipway.cli.deployed import Deployed, find_deployed
from slipway.cli.embedded import find_embedded
from slipway.cli.project import load_project
from slipway.config import Config
from slipway.errors import NotFoundError, UnavailableError
from slipway.releases.controller.deployment import Deployment
from slipway.releases.record.request import check_versions


@dataclass(frozen=True)
class ReleaseTarget:
    """A slipway.yaml and its deployment."""

    config: Config
    deployment: Deployment
    place: str

    def caller(self) -> str:
        """The caller's ARN."""
        from slipway.aws.identity import caller_arn

        return caller_arn(**self.deployment.options)


def find_releases(config_file: Path) -> ReleaseTarget:
    """Find the deployment of a slipway.yaml; raises NotFoundError and UnavailableError as `find_deployed` does."""
    return _find(load_project(config_file))


def find_model_releases(config_file: Path, model: str, versions: Iterable[int] = ()) -> ReleaseTarget:
    """Find the deployment of a slipway.yaml with this model and these versions of it.

    Raises:
        NotFoundError: slipway.yaml lacks one of them; nothing was called. Otherwise as `find_releases`.
        UnavailableError: as `find_releases`.
    """
    config = _with_model(config_file, model)
    check_versions(config, model, versions)
    return _find(config)


def find_planned_releases(config_file: Path, model: str) -> tuple[Config, ReleaseTarget | None, str]:
    """The slipway.yaml with this model, and its deployment; without one, None and why not.

    Raises:
        NotFoundError: slipway.yaml lacks the model.
    """
    config = _with_model(config_file, model)
    try:
        return config, _find(config), ""
    except (NotFoundError, UnavailableError) as error:
        return config, None, str(error)


def _with_model(config_file: Path, model: str) -> Config:
    config = load_project(config_file)
    if model not in config.models:
        raise NotFoundError("model", model, config.models)
    return config


def _find(config: Config) -> ReleaseTarget:
    return release_target(config, find_deployed(config.project))


def release_target(config: Config, deployed: Deployed) -> ReleaseTarget:
    """The releases of a slipway.yaml in its deployment."""
    deployment = Deployment(
        table=deployed.output("ControlTable"),
        api=_api(deployed),
        region=_region(deployed),
        topic=deployed.outputs.get("ReleaseTopic"),
        shadow=deployed.shadow(config),
        options=deployed.options,
    )
    return ReleaseTarget(config, deployment, deployed.place)


def _api(deployed: Deployed) -> str:
    if (embedded := find_embedded()) is not None:
        return embedded.api
    return deployed.output("ApiUrl")


def _region(deployed: Deployed) -> str:
    """The region of the client options, else the one in the API's host name."""
    parts = deployed.outputs.get("ApiUrl", "").split(".")
    return str(deployed.options.get("region_name") or (parts[2] if len(parts) > 3 else "us-east-1"))
