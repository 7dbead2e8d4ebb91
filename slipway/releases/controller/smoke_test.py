"""Smoke-test a heavy model's version at its own address, through the API that clients call."""

import json
from collections.abc import Mapping
from typing import Any

from slipway.aws.clients import answered_by
from slipway.errors import UnavailableError
from slipway.releases.controller.heavy import Result, SmokeTestResult

_CALLS = 20  # enough to open connections and fill caches on each of a few tasks
_SECONDS = 10.0
_VALUES: Mapping[str, object] = {"BYTES": "ok", "BOOL": False}
# A gateway or a load balancer answers with these while tasks start.
_COMING_UP = frozenset({404, 429, 502, 503, 504})


class ApiSmokeTest:
    """A `SmokeTest` through the API at ``url``; ``signed`` signs calls with the environment's credentials."""

    def __init__(self, url: str, region: str, *, signed: bool) -> None:
        import urllib3

        from slipway.aws.sigv4 import Signer, environment_credentials

        self._url = url.rstrip("/")
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(_SECONDS), retries=False)
        credentials = environment_credentials() if signed else None
        self._signer = Signer(credentials, region) if credentials is not None else None

    def __call__(self, model: str, version: int) -> SmokeTestResult:
        address = f"/v2/models/{model}/versions/{version}"
        try:
            status, described = self._call("GET", address)
            body = json.dumps({"inputs": [_tensor(each) for each in described.get("inputs", [])]})
            for _ in range(_CALLS):
                if status >= 400:
                    break
                status, answer = self._call("POST", f"{address}/infer", body)
                # The model may reject an invented record as invalid. The version has answered all the same.
                status = 200 if status in (400, 422) and "error" in answer else status
        except UnavailableError as error:
            return SmokeTestResult(Result.NOT_YET, str(error))
        return _trial(status, address)

    def _call(self, method: str, path: str, body: str = "") -> tuple[int, dict[str, Any]]:
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


class NoSmokeTest:
    """A `SmokeTest` for an API that requires a token the controller lacks; it relies on the tasks' health checks.

    A task becomes healthy only after it has predicted records like those of its baseline.
    """

    def __call__(self, model: str, version: int) -> SmokeTestResult:  # noqa: ARG002 - `SmokeTest` requires it
        return SmokeTestResult(Result.ANSWERS)


def _tensor(described: Mapping[str, Any]) -> dict[str, Any]:
    """One invented value for an input, in the Open Inference Protocol."""
    kind = described["datatype"]
    shape = [1 for _ in described.get("shape", [1])]
    return {"name": described["name"], "datatype": kind, "shape": shape, "data": [_VALUES.get(kind, 0)]}


def _trial(status: int, address: str) -> SmokeTestResult:
    if status < 400:
        return SmokeTestResult(Result.ANSWERS)
    seen = f"{address} answered with status {status}"
    return SmokeTestResult(Result.NOT_YET if status in _COMING_UP else Result.FAILS, seen)
