"""Find the releases that the commands use: in a running embedded AWS, else in the deployed stacks."""

import json
from dataclasses import dataclass
from pathlib import Path

from slipway.cli.deployed import Deployed, find_deployed
from slipway.cli.project import LOCAL_STATE, embedded_aws, load_project
from slipway.config import Config
from slipway.releases.controller.deployment import Deployment


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
    config = load_project(config_file)
    deployed = find_deployed(config.project)
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
    if embedded_aws():
        return str(json.loads(LOCAL_STATE.read_text(encoding="utf-8"))["api"])
    return deployed.output("ApiUrl")


def _region(deployed: Deployed) -> str:
    """The region of the client options, else the one in the API's host name."""
    parts = deployed.outputs.get("ApiUrl", "").split(".")
    return str(deployed.options.get("region_name") or (parts[2] if len(parts) > 3 else "us-east-1"))
