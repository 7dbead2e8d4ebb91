"""Posts to the API with the standard library, for a device that has nothing else."""

import json
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from slipway.config.deployment.loopback import is_loopback
from slipway.edge.sending import HomeAnswer
from slipway.errors import InputError, UnavailableError

_SECONDS = 30.0


class _NoRedirects(HTTPRedirectHandler):
    """A redirect is an error: it would carry the token to another host."""

    def redirect_request(self, *_: Any) -> None:
        return None


class BearerPost:
    """A `Post` to one API, with a bearer token if there is one."""

    def __init__(self, url: str, token: str | None = None) -> None:
        """Raise InputError for an address that would send the token in the clear."""
        scheme = urlsplit(url).scheme
        if scheme != "https" and not (scheme == "http" and is_loopback(url)):
            raise InputError.of("--api", f"{url} must begin with https://")
        self._url = url.rstrip("/")
        self._token = token
        self._opener = build_opener(_NoRedirects)

    def __call__(self, path: str, headers: Mapping[str, str], document: object) -> HomeAnswer:
        all_headers = {"content-type": "application/json", **headers}
        if self._token:
            all_headers["authorization"] = f"Bearer {self._token}"
        body = json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
        request = Request(self._url + path, body, all_headers, method="POST")  # noqa: S310 - the scheme is checked
        try:
            return self._answer(request)
        # A torn answer is an HTTPException, which is no OSError.
        except (HTTPException, OSError) as error:
            raise UnavailableError(f"the API at {self._url}", str(error) or type(error).__name__) from error

    def _answer(self, request: Request) -> HomeAnswer:
        try:
            with self._opener.open(request, timeout=_SECONDS) as answer:
                return HomeAnswer(answer.status, _document(answer.read()))
        except HTTPError as error:
            with error:
                return HomeAnswer(error.code, _document(error.read()))


def _document(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None
