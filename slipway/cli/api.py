"""A client of a deployed API: finding its address, authorizing calls, and translating its errors."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import tenacity

from slipway.cli.embedded import find_embedded
from slipway.cli.project import load_project
from slipway.config import Authorization
from slipway.config.deployment.loopback import is_loopback
from slipway.errors import InputError, SlipwayError, UnavailableError

CONFIG = Path("slipway.yaml")
TIMEOUT_SECONDS = 30.0  # what an HTTP API allows a request
_BUSY = (429, 503)
_ATTEMPTS = 5


class ApiError(SlipwayError):
    """The API refused a call; ``problem`` is its RFC 9457 document."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = problem
        lines = [f"{problem.get('title') or problem.get('message') or 'refused'} (HTTP {status})"]
        fields = [f"  {item['field']}: {item['message']}" for item in problem.get("errors", ())]
        # Where there are errors by field, the detail repeats the first one.
        lines += fields or [f"  {detail}" for detail in (problem.get("detail"),) if detail]
        super().__init__("\n".join(lines))


class Api:
    """A client of one API; use it as a context manager, so that its connections are closed."""

    def __init__(self, url: str, auth: httpx.Auth | None = None, *, seconds: float = TIMEOUT_SECONDS) -> None:
        self.url = url
        self._client = _client(url, auth, seconds)

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str) -> Any:
        """Send a GET and return the JSON response; raises as `call` does."""
        return self.call("GET", path)

    def call(self, method: str, path: str, body: object | None = None) -> Any:
        """Send a request and return the JSON response.

        Raises:
            ApiError: the API returned an error; it carries the problem document.
            UnavailableError: the API cannot be reached.
        """
        try:
            answer = self._client.request(method, path, json=body)
        except httpx.TransportError as error:
            reason = f"{error}; `slipway local status` shows what is running on this machine"
            raise UnavailableError(f"the API at {self.url}", reason) from error
        if answer.is_success:
            return answer.json()
        raise ApiError(answer.status_code, _problem(answer))

    def call_patiently(self, method: str, path: str, body: object | None = None) -> Any:
        """Send a request that may be repeated, as `call` does, and wait for an API that is busy; it raises the same."""
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(_ATTEMPTS),
            wait=tenacity.wait_random_exponential(multiplier=0.25, max=4),
            retry=tenacity.retry_if_exception(_is_busy),
            reraise=True,
        )
        return retrying(self.call, method, path, body)


def connect(url: str | None, token: str | None = None, *, config: Path = CONFIG) -> Api:
    """Connect to the API at ``url``, else the one on this machine, else the deployed one of ``config``'s project.

    Raises:
        InputError: there is no such API, or a required token is missing.
    """
    address = url or _embedded_address() or _deployed_address(config)
    if urlsplit(address).scheme not in ("http", "https"):
        raise InputError.of("--api", f"{address!r} must be an address such as https://… or http://127.0.0.1:8080")
    return Api(address, _authorization(address, token, config))


def _is_busy(error: BaseException) -> bool:
    return isinstance(error, ApiError) and error.status in _BUSY


def _client(url: str, auth: httpx.Auth | None, seconds: float) -> httpx.Client:
    """A client that calls this machine directly, and others as the environment's proxies say."""
    try:
        return httpx.Client(base_url=url, auth=auth, timeout=seconds, trust_env=not is_loopback(url))
    except (ImportError, ValueError) as error:  # a proxy of a kind that httpx does not support
        raise UnavailableError(f"the API at {url}", f"the proxy of this environment cannot be used: {error}") from error


def _embedded_address() -> str | None:
    found = find_embedded()
    return None if found is None else found.api


def _deployed_address(config: Path) -> str:
    from slipway.cli.deployed import account_output

    if not config.exists():
        place = "slipway.yaml here" if config == CONFIG else str(config)
        raise InputError.of(
            "--api", f"no API is running on this machine (`make run` starts one), and there is no {place}"
        )
    return account_output(f"{load_project(config).project}-serving", "ApiUrl")


def _authorization(address: str, token: str | None, config: Path) -> httpx.Auth | None:
    """The authorization that the API requires; on loopback, `slipway local`'s front door signs requests itself."""
    if token:
        return _Bearer(token)
    if is_loopback(address) or not config.exists():
        return None
    match load_project(config).api.authorization:
        case Authorization.IAM:
            from slipway.cli.signing import SigV4Auth

            return SigV4Auth()
        case Authorization.JWT:
            raise InputError.of("--token", "the API requires a JWT: pass it here or in SLIPWAY_TOKEN")
        case Authorization.NONE:
            return None


def _problem(answer: httpx.Response) -> Mapping[str, Any]:
    """The response's problem document, or a substitute if a gateway answered with something else."""
    try:
        document = answer.json()
    except ValueError:
        document = None
    return document if isinstance(document, dict) else {"title": answer.reason_phrase, "detail": answer.text[:500]}


class _Bearer(httpx.Auth):
    def __init__(self, token: str) -> None:
        self._header = f"Bearer {token}"

    def auth_flow(self, request: httpx.Request) -> Any:
        request.headers["Authorization"] = self._header
        yield request
