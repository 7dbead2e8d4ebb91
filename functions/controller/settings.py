"""The typed settings that the controller reads from its environment."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from slipway.config.deployment.environment import API, CONTROL_TABLE, RELEASE_TOPIC, SHADOW
from slipway.config.releases.shadow import ShadowNames
from slipway.errors import ConfigError, FieldProblem
from slipway.releases.controller.deployment import Deployment

ROOT = "LAMBDA_TASK_ROOT"
REGION = "AWS_REGION"
ENDPOINT = "AWS_ENDPOINT_URL"


@dataclass(frozen=True, slots=True)
class Settings:
    """The controller's settings; ``root`` is the folder with slipway.yaml."""

    root: Path
    deployment: Deployment

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """Read an environment; raises ConfigError for missing or invalid variables."""
        missing = [FieldProblem(name, "is required") for name in (CONTROL_TABLE, API) if not environment.get(name)]
        if missing:
            raise ConfigError("the environment", missing)
        deployment = Deployment(
            table=environment[CONTROL_TABLE],
            api=_api(environment[API], environment.get(ENDPOINT)),
            region=environment.get(REGION, "us-east-1"),
            topic=environment.get(RELEASE_TOPIC) or None,
            shadow=_shadow(environment.get(SHADOW)),
        )
        return cls(Path(environment.get(ROOT, ".")), deployment)


def _api(url: str, endpoint: str | None) -> str:
    """Return the API's address, which is a path of ``endpoint`` if one endpoint stands in for all of AWS."""
    if not endpoint:
        return url
    api_id = (urlsplit(url).hostname or "").partition(".")[0]
    return f"{endpoint.rstrip('/')}/_aws/execute-api/{api_id}/$default"


def _shadow(text: str | None) -> ShadowNames | None:
    with _written(SHADOW):
        return ShadowNames(**json.loads(text)) if text else None


@contextmanager
def _written(name: str) -> Iterator[None]:
    """Translate parsing errors into a ConfigError that names the variable."""
    try:
        yield
    except (AttributeError, TypeError, ValueError) as error:
        problem = FieldProblem(name, f"is not what the template writes: {error}")
        raise ConfigError("the environment", [problem]) from error
