"""Creates boto3 clients for the adapters and translates their errors in one place."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any

from slipway.errors import UnavailableError

_CONNECT_SECONDS = 5
_READ_SECONDS = 20
# A session of boto3 makes one client at a time; the clients themselves may be used by several threads.
_MAKING = Lock()


def new_client(service: str, options: Mapping[str, Any]) -> Any:
    """Create a client for one AWS service; ``options`` go to boto3, which otherwise reads the environment.

    Raises:
        UnavailableError: no region is configured, or the profile does not exist.
    """
    import boto3  # takes a quarter of a second, so only commands that call AWS import it
    from botocore.config import Config

    settings = Config(connect_timeout=_CONNECT_SECONDS, read_timeout=_READ_SECONDS, retries={"mode": "standard"})
    make: Any = boto3.client  # its type stubs require a literal service name
    with answered_by(service), _MAKING:
        return make(service, config=settings, **options)


@contextmanager
def answered_by(service: str) -> Iterator[None]:
    """Translate botocore's errors into UnavailableError, which names the service that failed."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise UnavailableError(service, reason_of(error)) from error


def reason_of(error: Exception) -> str:
    """What is wrong, and for what is missing on this machine, how to supply it."""
    from botocore.exceptions import NoCredentialsError, NoRegionError

    match error:
        case NoRegionError():
            return "no region is set; AWS_REGION or a profile names it"
        case NoCredentialsError():
            return "no credentials were found; `aws configure` or AWS_PROFILE gives them"
        case _:
            return str(error)
