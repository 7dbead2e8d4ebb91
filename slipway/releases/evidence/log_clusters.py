"""Counts the guards of a sticky release by bucket, minute by minute, from the log lines of requests.

A minute's buckets belong to its tallies, so both are judged together: windows whose lines are not counted yet are held
back, and the next pass reads them again (`ReleaseRecord.judged_until`). So no minute is counted twice or lost,
whichever process asks and however many queries fail.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from slipway.errors import UnavailableError
from slipway.releases.evidence.bucket_query import Row, query_text, read_rows
from slipway.releases.evidence.tallies import Clusters, Window
from slipway.releases.record.document import ReleaseRecord

# A request takes up to 30 seconds, and its lines are written when it ends.
_WRITTEN_WITHIN = timedelta(minutes=1)
# A failing candidate must not stay because logs cannot be read: after so long, it is judged by version alone.
_PATIENCE = timedelta(minutes=3)
# Each minute is a query. After a longer absence of the controller, earlier minutes are counted by version alone.
_MOST_MINUTES = 20
# Queries take a second or two. One that takes longer is collected in the next pass, so that no release waits for it.
POLL_SECONDS, _POLLS = 0.25, 20
_LOG = logging.getLogger("slipway")
Arms = Mapping[int, Mapping[str, Clusters]]
"""The sums by bucket of each version, by key."""


class LogQueries(Protocol):
    """Starts queries of a log group and collects their rows. Both methods raise UnavailableError."""

    def start(self, group: str, text: str, start: datetime, end: datetime) -> str: ...
    def rows(self, query: str) -> list[Row] | None: ...


def pausing(pause: Callable[[float], None], polls: int) -> Iterator[bool]:
    """Pause before each of so many polls."""
    for _ in range(polls):
        pause(POLL_SECONDS)
        yield True


def await_rows(queries: LogQueries, query: str, pauses: Iterator[bool]) -> list[Row] | None:
    """The rows of a query, which is polled after each of ``pauses``; None if it runs for longer."""
    while (rows := queries.rows(query)) is None and next(pauses, False):
        pass
    return rows


@dataclass(frozen=True, slots=True)
class CountedWindows:
    """The windows to judge now, and why some of them are not counted by bucket."""

    windows: tuple[Window, ...]
    problems: tuple[str, ...] = ()


class ClusterReader(Protocol):
    """Counts the guards by bucket."""

    def with_clusters(self, record: ReleaseRecord, windows: tuple[Window, ...]) -> CountedWindows:
        """The windows with their guards by bucket, or no windows while that cannot be known."""
        ...


class LogClusters:
    """A `ClusterReader` that keeps the ids of running queries in memory; a new process asks again.

    Args:
        project: the member `Project` of the lines.
        groups: the log group of each model.
        queries: the queries of log groups.
        pause: waits for some seconds.
    """

    def __init__(
        self,
        project: str,
        groups: Mapping[str, str],
        queries: LogQueries,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._project = project
        self._groups = groups
        self._queries = queries
        self._pause = pause
        self._running: dict[str, dict[datetime, str]] = {}

    def with_clusters(self, record: ReleaseRecord, windows: tuple[Window, ...]) -> CountedWindows:
        counted = _counted(record, windows)
        if not counted:
            return CountedWindows(windows)
        try:
            found = self._count(record, counted)
        except UnavailableError as error:
            if windows[-1].end - counted[0].start >= _PATIENCE:
                self._running.pop(record.id, None)
                return CountedWindows(windows, (str(error),))
            _LOG.warning("release %s: %s; its last minutes are judged later", record.id, error)
            return CountedWindows(())
        return CountedWindows(tuple(_with(window, found.get(window.start, {})) for window in windows))

    def _count(self, record: ReleaseRecord, windows: Iterable[Window]) -> dict[datetime, Arms]:
        """The sums by bucket of each window by its start; raises UnavailableError if one is not known now."""
        running = self._start(record, windows)
        found: dict[datetime, Arms] = {}
        pauses = pausing(self._pause, _POLLS)
        for start, query in list(running.items()):
            try:
                rows = await_rows(self._queries, query, pauses)
            except UnavailableError:
                del running[start]
                raise
            if rows is None:
                raise UnavailableError("counting by bucket", "a query of the log group is still running")
            found[start] = read_rows(record, rows)
        del self._running[record.id]
        return found

    def _start(self, record: ReleaseRecord, windows: Iterable[Window]) -> dict[datetime, str]:
        """The queries of the windows; those that earlier passes have not started are started."""
        group = self._groups.get(record.model)
        if group is None:
            raise UnavailableError("counting by bucket", f"the log group of {record.model} is not known here")
        before, running = self._running.get(record.id, {}), dict[datetime, str]()
        self._running[record.id] = running
        for window in windows:
            text = query_text(self._project, record, window.start, window.end)
            until = window.end + _WRITTEN_WITHIN
            query = before.get(window.start) or self._queries.start(group, text, window.start, until)
            running[window.start] = query
        return running


class NoClusters:
    """A `ClusterReader` of a deployment whose log groups are not known."""

    def with_clusters(self, record: ReleaseRecord, windows: tuple[Window, ...]) -> CountedWindows:  # noqa: ARG002 - as `ClusterReader` has it
        return CountedWindows(windows)


def _counted(record: ReleaseRecord, windows: tuple[Window, ...]) -> tuple[Window, ...]:
    """The windows that are counted by bucket: the last ones in which the candidates have traffic all the time."""
    since = record.running_since
    if since is None or record.serving.sticky is None:
        return ()
    return tuple(window for window in windows[-_MOST_MINUTES:] if window.start >= since)


def _with(window: Window, found: Arms) -> Window:
    merged = {version: {**window.clusters.get(version, {}), **of_key} for version, of_key in found.items()}
    return replace(window, clusters={**window.clusters, **merged})
