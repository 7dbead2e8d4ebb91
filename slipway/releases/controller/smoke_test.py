"""Smoke-test a version at its own address, through the API that clients call."""

import json
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from slipway.errors import UnavailableError
from slipway.releases.controller.api_client import ApiClient
from slipway.releases.controller.heavy import Result, SmokeTestResult

_LOG = logging.getLogger("slipway")
_CALLS = 20  # enough to open connections and fill caches on each of a few tasks
_VALUES: Mapping[str, object] = {"BYTES": "ok", "BOOL": False}
# A gateway or a load balancer answers with these while tasks start.
_COMING_UP = frozenset({404, 429, 502, 503, 504})


class ApiSmokeTest:
    """A `SmokeTest` through the API at ``url``; ``signed`` signs calls with the environment's credentials."""

    def __init__(self, url: str, region: str, *, signed: bool) -> None:
        self._api = ApiClient(url, region, signed=signed)

    def __call__(self, model: str, version: int) -> SmokeTestResult:
        address = f"/v2/models/{model}/versions/{version}"
        try:
            status, described = self._api.call("GET", address)
            body = json.dumps({"inputs": [_tensor(each) for each in described.get("inputs", [])]})
            for _ in range(_CALLS):
                if status >= 400:
                    break
                status, answer = self._api.call("POST", f"{address}/infer", body)
                # The model may reject an invented record as invalid. The version has answered all the same.
                status = 200 if status in (400, 422) and "error" in answer else status
        except UnavailableError as error:
            return SmokeTestResult(Result.NOT_YET, str(error))
        return _trial(status, address)


class ApiLoadTest:
    """Whether the light tier has loaded a version, as the API at ``url`` tells: a `WhyNotLoaded`.

    Only a stated reason counts, since an API that cannot be reached serves no traffic either.
    """

    def __init__(self, url: str, region: str, *, signed: bool) -> None:
        self._client = partial(ApiClient, url, region, signed=signed)

    def __call__(self, model: str, version: int) -> str:
        try:
            api = self._client()
            # A process that could not reach the registry as it started loads the version for this request.
            api.call("GET", f"/v2/models/{model}/versions/{version}")
            _, described = api.call("GET", f"/v1/models/{model}")
        except UnavailableError as error:
            _LOG.warning("%s %s is not tested before it gets traffic: %s", model, version, error)
            return ""
        listed = (each for each in described.get("versions", ()) if each.get("version") == version)
        return str(next((each["reason"] for each in listed if "reason" in each), ""))


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
