"""Forms of the console as a browser sends them."""

import re
from html import unescape

import httpx
from starlette.testclient import TestClient

from slipway.console.settings import ConsoleSettings


def send(client: TestClient, settings: ConsoleSettings, path: str, **fields: str) -> httpx.Response:
    """Send a form with the console's token."""
    return client.post(path, data={"token": settings.token, **fields}, headers={"origin": settings.address})


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of a page's forms, but the token."""
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
    return {name: unescape(value) for name, value in found if name != "token"}
