"""A project as the console reads it, without AWS: an API that answers as it is told, and nothing deployed."""

from collections.abc import Mapping
from typing import Any

from slipway.console.workspace import Workspace


class FakeApi:
    """An API client whose answers are given by path; it keeps what was sent to it."""

    url = "http://127.0.0.1:8080"

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers
        self.sent: list[tuple[str, Any]] = []

    def get(self, path: str) -> Any:
        return self.answers[path]

    def call(self, method: str, path: str, body: object | None = None) -> Any:
        self.sent.append((f"{method} {path}", body))
        answer = self.answers[path]
        if isinstance(answer, Exception):
            raise answer
        return answer


class FakeWorkspace(Workspace):
    """A workspace with such an API."""

    fake: FakeApi

    def api(self) -> Any:
        return self.fake
