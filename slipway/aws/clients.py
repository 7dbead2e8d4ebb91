"""boto3's clients for the adapters, and the one translation of their errors."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from slipway.errors import UnavailableError

_CONNECT_SECONDS = 5
_READ_SECONDS = 20


def new_client(service: str, options: Mapping[str, Any]) -> Any:
    """A client of one AWS service; ``options`` are boto3's, by default the environment's.

    Raises:
        UnavailableError: there is no region, or no such profile.
    """
    import boto3  # takes a quarter of a second, which a command pays that needs it
    from botocore.config import Config

    settings = Config(connect_timeout=_CONNECT_SECONDS, read_timeout=_READ_SECONDS, retries={"mode": "standard"})
    make: Any = boto3.client  # its types want each service by name
    with answered_by(service):
        return make(service, config=settings, **options)


@contextmanager
def answered_by(service: str) -> Iterator[None]:
    """Say which service failed: raises UnavailableError for a refusal, and where there is no answer at all."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise UnavailableError(service, str(error)) from error
