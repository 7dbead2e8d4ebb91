"""The typed settings that the container reads from its environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from slipway.config.deployment.environment import (
    BALANCER,
    CONTROL_TABLE,
    FEATURES_TABLE,
    ID_KEYS,
    MODEL,
    MODEL_BUCKET,
    PREDICTIONS_TABLE,
    SLOT,
    TRACES_ENDPOINT,
    VERSION,
)
from slipway.config.heavy import SLOTS
from slipway.errors import ConfigError, FieldProblem
from slipway.models.registry.opening import downloads_folder

HOST = "SLIPWAY_HOST"
PORT = "PORT"
ROOT = "SLIPWAY_ROOT"
ENVIRONMENT = "SLIPWAY_ENVIRONMENT"
DOWNLOADS = "SLIPWAY_DOWNLOADS"
DRAIN_SECONDS = "SLIPWAY_DRAIN_SECONDS"

_NUMBER = re.compile(r"[1-9][0-9]{0,9}")


@dataclass(frozen=True)
class Settings:
    """A task's settings.

    ``root`` is the folder with slipway.yaml and models/, and ``environment`` is one of slipway.yaml's; an image has a
    slipway.yaml without any. Without ``model_bucket`` and ``control_table`` there is no registry, and ``version`` must
    be in ``root``. ``id_keys`` is the name of the parameter with the keys of prediction ids. ``balancer`` is the
    address of the load balancer, through which the slot forwards records of a sticky release to the other slot.
    ``downloads`` is the folder for versions from the registry. A stopping task reports not ready for
    ``drain_seconds`` while it keeps serving, and then closes its connections. Traces go to ``traces_endpoint`` in OTLP
    over HTTP; without an endpoint there are none.
    """

    model: str
    version: int
    slot: str = "blue"
    root: Path = Path()
    environment: str | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    model_bucket: str | None = None
    control_table: str | None = None
    features_table: str | None = None
    predictions_table: str | None = None
    id_keys: str | None = None
    balancer: str | None = None
    downloads: Path = field(default_factory=downloads_folder)
    drain_seconds: float = 5.0
    traces_endpoint: str | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """Read an environment.

        Raises:
            ConfigError: names every missing or invalid variable.
        """
        problems = [FieldProblem(name, message) for name, message in _problems(environment) if message]
        if problems:
            raise ConfigError("the environment", problems)
        return cls(
            model=environment[MODEL],
            version=int(environment[VERSION]),
            slot=environment.get(SLOT) or cls.slot,
            root=Path(environment.get(ROOT) or "."),
            environment=environment.get(ENVIRONMENT) or None,
            host=environment.get(HOST) or cls.host,
            port=int(environment.get(PORT) or cls.port),
            model_bucket=environment.get(MODEL_BUCKET) or None,
            control_table=environment.get(CONTROL_TABLE) or None,
            features_table=environment.get(FEATURES_TABLE) or None,
            predictions_table=environment.get(PREDICTIONS_TABLE) or None,
            id_keys=environment.get(ID_KEYS) or None,
            balancer=environment.get(BALANCER) or None,
            downloads=Path(environment[DOWNLOADS]) if environment.get(DOWNLOADS) else downloads_folder(),
            drain_seconds=float(environment.get(DRAIN_SECONDS) or cls.drain_seconds),
            traces_endpoint=environment.get(TRACES_ENDPOINT) or None,
        )


def _problems(environment: Mapping[str, str]) -> list[tuple[str, str]]:
    version, slot = environment.get(VERSION, ""), environment.get(SLOT) or SLOTS[0]
    port, drain = environment.get(PORT) or "8080", environment.get(DRAIN_SECONDS) or "0"
    balancer = environment.get(BALANCER) or "http://"
    is_port = _NUMBER.fullmatch(port) is not None and int(port) < 65_536
    return [
        (MODEL, "" if environment.get(MODEL) else "is required: the name of a heavy model of slipway.yaml"),
        (VERSION, "" if _NUMBER.fullmatch(version) else f"must be the number of a version, and is {version!r}"),
        (SLOT, "" if slot in SLOTS else f"must be blue or green, and is {slot!r}"),
        (BALANCER, "" if balancer.startswith("http://") else f"must be an address, http://…, and is {balancer!r}"),
        (PORT, "" if is_port else f"must be a port, and is {port!r}"),
        (DRAIN_SECONDS, "" if re.fullmatch(r"\d{1,3}(\.\d+)?", drain) else f"must be seconds, and is {drain!r}"),
    ]
