"""Counts the guards of a sticky release by bucket, from the log lines of requests.

The record says until when the lines are counted (`ReleaseRecord.clusters_until`), and a query starts there. So no
minute is counted twice or lost, whichever process asks and however many queries fail.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from slipway.errors import UnavailableError
from slipway.releases.evidence.bucket_query import Row, query_text, read_rows
from slipway.releases.evidence.tallies import Clusters, Window
from slipway.releases.record.document import ReleaseRecord

# A request takes up to 30 seconds, and its lines are written when it ends.
_WRITTEN_WITHIN = timedelta(minutes=1)
# A failed query is repeated quietly for this long; then it is an error of the pass.
_PATIENCE = timedelta(minutes=10)
# As far as the evidence in metrics reaches back.
_LONGEST = timedelta(hours=6)
# Queries take a second or two. One that takes longer is collected in the next pass, so that no release waits for it.
_WAIT_SECONDS = 3.0
_POLL_SECONDS = 0.25
_LOG = logging.getLogger("slipway")


class LogQueries(Protocol):
    """Starts queries of a log group and collects their rows. Both methods raise UnavailableError."""

    def start(self, group: str, text: str, start: datetime, end: datetime) -> str: ...
    def rows(self, query: str) -> list[Row] | None: ...


class ClusterReader(Protocol):
    """Counts the guards by bucket."""

    def with_clusters(self, record: ReleaseRecord, last: Window) -> Window:
        """The last window with what the lines until its end add by bucket; unchanged if nothing is known now.

        Raises:
            UnavailableError: the lines could not be read for some minutes; a later pass counts them.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Running:
    query: str
    start: datetime
    end: datetime


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
        self._running: dict[str, _Running] = {}

    def with_clusters(self, record: ReleaseRecord, last: Window) -> Window:
        start = _start(record, last.end)
        if start is None or start >= last.end:
            return last
        try:
            return self._counted(record, last, start)
        except UnavailableError as error:
            if last.end - start >= _PATIENCE:
                raise
            _LOG.warning("release %s: %s; the lines from %s on are counted later", record.id, error, start)
            return last

    def _counted(self, record: ReleaseRecord, last: Window, start: datetime) -> Window:
        running = self._running.pop(record.id, None)
        if running is None or running.start != start:
            running = self._ask(record, start, last.end)
        rows = self._await(running.query)
        if rows is None:
            self._running[record.id] = running
            raise UnavailableError("counting by bucket", "the query of the log group is still running")
        return _with(last, read_rows(record, rows), running.end)

    def _ask(self, record: ReleaseRecord, start: datetime, end: datetime) -> _Running:
        group = self._groups.get(record.model)
        if group is None:
            raise UnavailableError("counting by bucket", f"the log group of {record.model} is not known here")
        text = query_text(self._project, record, start, end)
        return _Running(self._queries.start(group, text, start, end + _WRITTEN_WITHIN), start, end)

    def _await(self, query: str) -> list[Row] | None:
        waited = 0.0
        while (rows := self._queries.rows(query)) is None and waited < _WAIT_SECONDS:
            self._pause(_POLL_SECONDS)
            waited += _POLL_SECONDS
        return rows


class NoClusters:
    """A `ClusterReader` of a deployment whose log groups are not known."""

    def with_clusters(self, record: ReleaseRecord, last: Window) -> Window:  # noqa: ARG002 - as `ClusterReader` has it
        return last


def _start(record: ReleaseRecord, end: datetime) -> datetime | None:
    """Where the next lines begin: at the first whole minute in which the candidates have traffic, or later."""
    since = record.clusters_until or record.running_since
    if since is None or record.serving.sticky is None:
        return None
    minute = datetime.fromtimestamp(-(-since.timestamp() // 60) * 60, UTC)
    return max(minute, end - _LONGEST)


def _with(last: Window, found: Mapping[int, Mapping[str, Clusters]], until: datetime) -> Window:
    merged = {version: {**last.clusters.get(version, {}), **of_key} for version, of_key in found.items()}
    return replace(last, clusters={**last.clusters, **merged}, clusters_until=until)
