"""Errors in the logs of the embedded AWS: those of its processes, its tasks and its functions."""

import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import boto3

from local.environment.state import State

_ERRORS = ("ERROR", "CRITICAL")
_CHARACTERS = 300


def is_error(line: str) -> bool:
    """Whether a log line, of JSON or of plain text, reports an error."""
    try:
        found = json.loads(line)
    except ValueError:
        return "Traceback (most recent call last)" in line or any(each in line for each in _ERRORS)
    return isinstance(found, dict) and found.get("level") in _ERRORS


class Logs:
    """The logs of an environment whose state is in ``folder``; only what is written from now on counts."""

    def __init__(self, folder: Path, state: State) -> None:
        self._files = folder / "logs"
        self._read = {file: file.stat().st_size for file in self._files.rglob("*.log")}
        self._since = time.time()
        keys = state.credentials
        self._client: Any = boto3.client(
            "logs",
            endpoint_url=state.emulator,
            region_name=state.region,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
        )
        self.errors: list[str] = []

    def look(self) -> None:
        """Take in the errors since the last look; the emulator keeps only the last lines of a function."""
        until = time.time()
        self.errors += [*self._of_files(), *self._of_functions(int(1000 * self._since), int(1000 * until))]
        self._since = until

    def _of_files(self) -> Iterator[str]:
        for file in sorted(self._files.rglob("*.log")):
            with file.open("rb") as log:
                log.seek(self._read.get(file, 0))
                text = log.read().decode(errors="replace")
                self._read[file] = log.tell()
            yield from _errors(str(file.relative_to(self._files)), text.splitlines())

    def _of_functions(self, since: int, until: int) -> Iterator[str]:
        for group in self._client.describe_log_groups()["logGroups"]:
            name = group["logGroupName"]
            pages = self._client.get_paginator("filter_log_events").paginate(
                logGroupName=name, startTime=since, endTime=until - 1
            )
            for page in pages:
                yield from _errors(name, (event["message"] for event in page["events"]))


def _errors(where: str, lines: Iterable[str]) -> Iterator[str]:
    return (f"{where}: {line.strip()[:_CHARACTERS]}" for line in lines if is_error(line))
