"""One SecureString of SSM's Parameter Store, encrypted with the AWS managed key ``aws/ssm``, which costs nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from slipway.aws.sessions import new_session
from slipway.errors import UnavailableError

_TYPE = "SecureString"


class SecretParameter:
    """A secret parameter; ``options`` go to the client, which is made on first use and does not wait long.

    Every method raises UnavailableError if Parameter Store cannot be reached or refuses the call.
    """

    def __init__(self, name: str, **options: Any) -> None:
        self.name = name
        self._options = options

    def read(self) -> str | None:
        """Return the value, or None if there is no such parameter."""
        with self._translated():
            try:
                found = self._client.get_parameter(Name=self.name, WithDecryption=True)
            except self._client.exceptions.ParameterNotFound:
                return None
        return str(found["Parameter"]["Value"])

    def create(self, value: str) -> None:
        """Store the value unless the parameter exists."""
        with self._translated():
            try:
                self._client.put_parameter(Name=self.name, Value=value, Type=_TYPE, Overwrite=False)
            except self._client.exceptions.ParameterAlreadyExists:
                return

    def replace(self, value: str) -> None:
        """Store the value in place of the parameter's."""
        with self._translated():
            self._client.put_parameter(Name=self.name, Value=value, Type=_TYPE, Overwrite=True)

    @cached_property
    def _client(self) -> Any:
        # Serving waits for this where there is no snapshot.
        from botocore.config import Config

        config = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
        return new_session().create_client("ssm", config=config, **self._options)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (BotoCoreError, ClientError) as error:
            raise UnavailableError("Parameter Store", f"{error} (parameter {self.name})") from error
