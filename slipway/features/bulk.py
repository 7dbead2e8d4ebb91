"""Write many features straight to the table, in batches of PartiQL, under the conditions of `DynamoFeatureStore`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.aws.statements import CONDITION_FAILED, STATEMENTS_PER_CALL, StatementTable
from slipway.aws.table import Backoff, Item, Request
from slipway.errors import SlipwayError, UnavailableError
from slipway.features.definitions import AcceptedWrite, FeatureDefinitions
from slipway.features.dynamodb import late_write
from slipway.features.sending import send_all
from slipway.features.store import Clock, FeatureKey, FeatureWrite, WriteResult, utc_now

if TYPE_CHECKING:
    from slipway.aws.table import ClientFactory

_IN_FLIGHT = 8
_ROUNDS = 6  # of a row that others delete and write again meanwhile
_INSERT = "INSERT INTO {{table}} VALUE {{{{'pk': ?, 'sk': ?, 'values': ?, 'event_time': ?{optional}}}}}"
_UPDATE = 'UPDATE {{table}} SET "values" = ? SET event_time = ? {optional} WHERE pk = ? AND sk = ? AND event_time <= ?'


@dataclass(frozen=True, slots=True)
class _Row:
    """A write, and its stored form or the reason that it has none."""

    write: FeatureWrite
    accepted: AcceptedWrite | SlipwayError


class BulkFeatureWriter:
    """Writes rows as `FeatureStore.write` does, several times as fast; needs PartiQLInsert and PartiQLUpdate."""

    def __init__(
        self,
        table: str,
        definitions: FeatureDefinitions,
        *,
        client: "ClientFactory | None" = None,
        clock: Clock = utc_now,
        backoff: Backoff | None = None,
    ) -> None:
        self.definitions = definitions
        self._table = StatementTable(table, dependency="feature store", client=client, backoff=backoff)
        self._clock = clock

    def write(self, writes: Iterable[FeatureWrite]) -> Iterator[WriteResult]:
        """Store each write and yield the results in the order of the writes; raises as `FeatureStore.write` does."""
        batches = _batches(map(self._row, writes))
        for results in send_all(batches, self._send, key=_key, in_flight=_IN_FLIGHT):
            yield from results

    def _row(self, write: FeatureWrite) -> _Row:
        try:
            return _Row(write, self.definitions.accept(write, self._clock()))
        except SlipwayError as error:
            return _Row(write, error)

    def _send(self, rows: Sequence[_Row]) -> list[WriteResult]:
        accepted = {row.write.key: row.accepted for row in rows if isinstance(row.accepted, AcceptedWrite)}
        late = self._put(accepted)
        refused = {row.write.key: row.accepted for row in rows if isinstance(row.accepted, SlipwayError)}
        return [WriteResult(row.write, refused.get(row.write.key) or late.get(row.write.key)) for row in rows]

    def _put(self, left: dict[FeatureKey, AcceptedWrite]) -> dict[FeatureKey, SlipwayError]:
        """Insert new rows and update older ones; returns an error for each row with a newer event."""
        late: dict[FeatureKey, SlipwayError] = {}
        for attempt in range(_ROUNDS):
            if not left:
                return late
            inserting = attempt % 2 == 0
            statements = [self._insert(write) if inserting else self._update(write) for write in left.values()]
            errors = dict(zip(left, self._table.execute(statements), strict=True))
            for key, error in errors.items():
                if error and error["Code"] == CONDITION_FAILED and "Item" in error:
                    late[key] = late_write(left[key], error["Item"])
            left = {key: left[key] for key, error in errors.items() if error and key not in late}
        if left:
            raise UnavailableError("feature store", f"{next(iter(left))} is deleted and written again all the time")
        return late

    def _insert(self, write: AcceptedWrite) -> Request:
        numbers = _numbers(write)
        text = _INSERT.format(optional="".join(f", '{name}': ?" for name in numbers))
        return self._table.statement(text, [*_names(write), *_values(write), *numbers.values()])

    def _update(self, write: AcceptedWrite) -> Request:
        numbers, values = _numbers(write), _values(write)
        clauses = [f"SET {name} = ?" for name in numbers]
        if write.expires_at is None:
            clauses.append("REMOVE expires_at")
        text = _UPDATE.format(optional=" ".join(clauses))
        return self._table.statement(text, [*values, *numbers.values(), *_names(write), values[1]])


def _batches(rows: Iterable[_Row]) -> Iterator[list[_Row]]:
    """Batches of distinct rows, since the statements of a call run in any order."""
    batch: dict[FeatureKey, _Row] = {}
    for row in rows:
        if len(batch) == STATEMENTS_PER_CALL or row.write.key in batch:
            yield list(batch.values())
            batch = {}
        batch[row.write.key] = row
    if batch:
        yield list(batch.values())


def _key(row: _Row) -> FeatureKey:
    return row.write.key


def _names(write: AcceptedWrite) -> list[Item]:
    return [{"S": f"{write.key.entity}#{write.key.id}"}, {"S": write.key.group}]


def _values(write: AcceptedWrite) -> list[Item]:
    return [{"S": write.text}, {"N": str(write.event_milliseconds)}]


def _numbers(write: AcceptedWrite) -> dict[str, Item]:
    """The attributes that only some rows have, by name."""
    numbers = {"expires_at": write.expires_at, "written_at": write.written_milliseconds}
    return {name: {"N": str(number)} for name, number in numbers.items() if number is not None}
