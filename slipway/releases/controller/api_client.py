"""Calls the deployed API as the controller's own client: for smoke tests, and to keep the VPC link active."""

import json
from typing import Any

from slipway.aws.clients import answered_by
from slipway.config.deployment.keep_warm import LINK_PATH
from slipway.errors import UnavailableError

_SECONDS = 10.0


class ApiClient:
    """A client of the API at ``url``; ``signed`` signs calls with the environment's credentials."""

    def __init__(self, url: str, region: str, *, signed: bool) -> None:
        import urllib3

        from slipway.aws.sigv4 import Signer, environment_credentials

        self._url = url.rstrip("/")
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(_SECONDS), retries=False)
        credentials = environment_credentials() if signed else None
        self._signer = Signer(credentials, region) if credentials is not None else None

    def call(self, method: str, path: str, body: str = "") -> tuple[int, dict[str, Any]]:
        """The status and the JSON of an answer, empty if it is no object; raises UnavailableError without an answer."""
        import urllib3

        url, content = f"{self._url}{path}", body.encode()
        headers = {"content-type": "application/json"}
        if self._signer is not None:
            with answered_by("credentials"):
                headers |= self._signer.headers(method, url, content)
        try:
            answer = self._pool.request(method, url, body=content, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise UnavailableError(f"the API at {self._url}", str(error)) from error
        try:
            document = json.loads(answer.data or b"{}")
        except ValueError:
            document = {}
        return answer.status, document if isinstance(document, dict) else {}


def keep_link_warm(api: ApiClient) -> None:
    """Send a request through the VPC link, which reaches no task; raises UnavailableError if it did not arrive."""
    status, _ = api.call("GET", LINK_PATH)
    if status != 200:
        raise UnavailableError("the VPC link", f"{LINK_PATH} answered with status {status}")
