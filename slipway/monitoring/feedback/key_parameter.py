"""Keeps the keys of prediction ids in a secret parameter."""

from typing import Any

from slipway.aws.secret_parameter import SecretParameter
from slipway.errors import UnavailableError
from slipway.monitoring.feedback.keys import Keys, from_text, to_text


class KeyParameter:
    """A `KeyStore` in the SecureString ``name``; ``options`` go to the client."""

    def __init__(self, name: str, **options: Any) -> None:
        self._parameter = SecretParameter(name, **options)

    def read(self) -> Keys | None:
        text = self._parameter.read()
        try:
            return None if text is None else from_text(text)
        except ValueError as error:
            raise UnavailableError("Parameter Store", f"{error} (parameter {self._parameter.name})") from error

    def create(self, keys: Keys) -> None:
        self._parameter.create(to_text(keys))

    def replace(self, keys: Keys) -> None:
        """Store keys in place of the parameter's; raises UnavailableError."""
        self._parameter.replace(to_text(keys))
