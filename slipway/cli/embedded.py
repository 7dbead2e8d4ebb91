"""The embedded AWS that runs in this folder, if any, as `slipway local up` describes it."""

import socket
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from slipway.cli.project import embedded_aws, local_state
from slipway.errors import ConfigError, FieldProblem, UnavailableError

NAME = "the embedded AWS"
_CONNECT_SECONDS = 5.0


class Credentials(BaseModel):
    """The keys of the emulator's administrator."""

    access_key_id: str
    secret_access_key: str


class Embedded(BaseModel):
    """Addresses, keys, and the outputs of the stacks by stack and name."""

    ready: bool
    api: str
    emulator: str
    region: str
    credentials: Credentials
    outputs: dict[str, dict[str, str]]

    @property
    def all_outputs(self) -> dict[str, str]:
        """The outputs of all stacks by name."""
        return {name: value for stack in self.outputs.values() for name, value in stack.items()}

    @property
    def options(self) -> dict[str, str]:
        """The options of boto3's clients that reach it."""
        return {
            "endpoint_url": self.emulator,
            "region_name": self.region,
            "aws_access_key_id": self.credentials.access_key_id,
            "aws_secret_access_key": self.credentials.secret_access_key,
        }


def find_embedded() -> Embedded | None:
    """The embedded AWS of this folder; None if none was started here, or if another environment was chosen.

    Raises:
        UnavailableError: it is still starting, its start was broken off, or it has ended.
        ConfigError: its file was not written by `slipway local`.
    """
    found = _read() if embedded_aws() else None
    if found is None:
        return None
    if not found.ready:
        reason = "it is still starting, or its start was broken off; `slipway local status` tells which"
        raise UnavailableError(NAME, reason)
    if not _answers(found.emulator):
        raise UnavailableError(NAME, "it has ended; `make run` (`slipway local up`) starts it again")
    return found


def _read() -> Embedded | None:
    try:
        return Embedded.model_validate_json(local_state().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValidationError, UnicodeDecodeError) as error:
        raise ConfigError(local_state(), [FieldProblem("(file)", "is not readable; delete it")]) from error


def _answers(address: str) -> bool:
    parts = urlsplit(address)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 80), _CONNECT_SECONDS).close()
    except OSError:
        return False
    return True
