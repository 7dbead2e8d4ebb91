"""Write feature rows through the API or straight to the table, and say of each whether it was stored."""

import json
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from slipway.cli.api import Api, ApiError
from slipway.cli.deployed import find_deployed
from slipway.config import Config
from slipway.errors import SlipwayError, UnavailableError
from slipway.features.definitions import FeatureDefinitions
from slipway.features.sending import send_all
from slipway.features.store import FeatureKey, FeatureWrite
from slipway.records.rows import Position

_CALL_ROWS = 100
_CALLS_IN_FLIGHT = 8
_BODY_BYTES = len('{"rows":[]}')
_WRONG = (400, 413, 422)  # the body is at fault, so a part of it may be stored
Numbered = tuple[Position, FeatureWrite]


@dataclass(frozen=True, slots=True)
class Sent:
    """The result of one write: stored, refused for a ``reason``, or unknown because the call had an ``error``."""

    position: Position
    reason: str | None = None
    error: SlipwayError | None = None


class ApiUpload:
    """Writes rows through the API, a hundred or ``body_bytes`` a call, with several calls in flight."""

    def __init__(self, client: Api, definitions: FeatureDefinitions, body_bytes: int) -> None:
        self._client = client
        self._definitions = definitions
        self._limit = body_bytes - _BODY_BYTES

    def send(self, writes: Iterable[Numbered]) -> Iterator[Sent]:
        """Write rows; yields the result of each. A row that no call can carry is refused without one."""
        for results in send_all(self._batches(writes), self._call, key=_key, in_flight=_CALLS_IN_FLIGHT):
            yield from results

    def _batches(self, writes: Iterable[Numbered]) -> Iterator[list["_Prepared"]]:
        batch: list[_Prepared] = []
        size = 0
        for position, write in writes:
            row = self._prepared(position, write)
            if batch and (size + row.size > self._limit or len(batch) == _CALL_ROWS):
                yield batch
                batch, size = [], 0
            batch.append(row)
            size += row.size
        if batch:
            yield batch

    def _prepared(self, position: Position, write: FeatureWrite) -> "_Prepared":
        try:
            self._definitions.accept(write, write.event_time)  # what depends on the clock is the API's to judge
        except SlipwayError as error:
            return _Prepared(position, write.key, None, 0, str(error))
        body = _body(write)
        size = len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()) + 1
        if size > self._limit:
            reason = f"the row has {size} bytes, but a call may have {self._limit} (api.limits.body_bytes)"
            return _Prepared(position, write.key, None, 0, reason)
        return _Prepared(position, write.key, body, size, None)

    def _call(self, rows: Sequence["_Prepared"]) -> list[Sent]:
        """Send the rows of a batch. If the API refuses the body, its halves are sent, down to the row at fault."""
        sent = [row for row in rows if row.body is not None]
        results = {row.position: Sent(row.position, row.refused) for row in rows if row.body is None}
        found = self._stored(sent) if sent else []
        return [results[row.position] for row in rows if row.body is None] + found

    def _stored(self, rows: Sequence["_Prepared"]) -> list[Sent]:
        body = {"rows": [row.body for row in rows]}
        try:
            answer = self._client.call_patiently("POST", "/v1/features/batch-write", body)
        except ApiError as error:
            if error.status not in _WRONG:
                return [Sent(row.position, error=error) for row in rows]
            if len(rows) == 1:
                return [Sent(rows[0].position, " ".join(str(error).split()))]
            half = len(rows) // 2
            return self._stored(rows[:half]) + self._stored(rows[half:])
        except UnavailableError as error:
            return [Sent(row.position, error=error) for row in rows]
        return [
            Sent(row.position, None if result["stored"] else result["reason"])
            for row, result in zip(rows, answer["results"], strict=True)
        ]


class DirectUpload:
    """Writes rows straight to the table of a project's deployment, with the credentials of the AWS tools."""

    def __init__(self, config: Config) -> None:
        from slipway.aws.table import lazy_client  # botocore takes a while to import
        from slipway.features.bulk import BulkFeatureWriter

        deployed = find_deployed(config.project)
        client = lazy_client(**deployed.options)
        table = deployed.output("FeaturesTable")
        self._writer = BulkFeatureWriter(table, FeatureDefinitions(config.features), client=client)

    def send(self, writes: Iterable[Numbered]) -> Iterator[Sent]:
        """Write rows; yields the result of each."""
        positions: deque[Position] = deque()

        def each() -> Iterator[FeatureWrite]:
            for position, write in writes:
                positions.append(position)
                yield write

        try:
            for result in self._writer.write(each()):
                yield Sent(positions.popleft(), None if result.error is None else str(result.error))
        except UnavailableError as error:
            yield from [Sent(position, error=error) for position in positions]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A row as a call carries it, and its bytes, or why it is refused."""

    position: Position
    key: FeatureKey
    body: dict[str, Any] | None
    size: int
    refused: str | None


def _key(row: _Prepared) -> FeatureKey:
    return row.key


def _body(write: FeatureWrite) -> dict[str, Any]:
    moment = write.event_time.astimezone(UTC).isoformat()
    return {**write.key._asdict(), "event_time": moment, "values": dict(write.values)}
