"""Queries of CloudWatch Logs Insights with `stats`, by which sticky releases are counted by bucket.

MiniStack selects and sorts lines, ignores `stats`, and keeps every answer. The part of the language that is here is:

    filter CONDITION and … | stats count(FIELD) as NAME, sum(FIELD) as NAME, sum(FIELD > NUMBER) as NAME, … by FIELD, …

A condition is `[not] ispresent(FIELD)`, `FIELD = "text"`, `FIELD >= NUMBER` or `FIELD < NUMBER`. Everything else is
refused by name.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import cloudwatch_logs

QUERIES_KEPT = 100
_MS_PER_SECOND = 1000
_MOST_ROWS = 10_000
_FIELD = r"([A-Za-z_][\w.]*)"
_NUMBER = r"(-?\d+(?:\.\d+)?)"
_PRESENT = re.compile(rf"(not )?ispresent\({_FIELD}\)")
_EQUAL = re.compile(rf'{_FIELD} = "([^"\\]*)"')
_ORDERED = re.compile(rf"{_FIELD} (>=|<) {_NUMBER}")
_FIGURE = re.compile(rf"(count|sum)\({_FIELD}(?: > {_NUMBER})?\) as (\w+)")
_QUERY = re.compile(r"filter (.+?) \| stats (.+) by (.+)")

Line = Mapping[str, Any]
Condition = Callable[[Line], bool]


class MalformedQueryError(ValueError):
    """A part of a query that is not in the language above."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A named number or sum of a field; with ``above``, the number of values above it."""

    name: str
    function: str
    field: str
    above: float | None = None

    def of(self, lines: Iterable[Line]) -> float | None:
        """The figure of some lines; None for a sum that no line has."""
        values = [value for line in lines if (value := field_of(line, self.field)) is not None]
        if self.function == "count":
            return len(values)
        if not values:
            return None
        numbers = [float(value) for value in values]
        return sum(numbers) if self.above is None else float(sum(number > self.above for number in numbers))


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query."""

    conditions: Sequence[Condition]
    figures: Sequence[Figure]
    by: Sequence[str]

    def rows(self, lines: Iterable[Line]) -> list[dict[str, str]]:
        """The figures of each group; a row leaves out what its lines lack."""
        groups: dict[tuple[str | None, ...], list[Line]] = {}
        for line in lines:
            if all(condition(line) for condition in self.conditions):
                values = (field_of(line, field) for field in self.by)
                group = tuple(None if value is None else str(value) for value in values)
                groups.setdefault(group, []).append(line)
        return [self._row(group, found) for group, found in groups.items()]

    def _row(self, group: Sequence[str | None], lines: Sequence[Line]) -> dict[str, str]:
        named = {field: value for field, value in zip(self.by, group, strict=True) if value is not None}
        figures = {figure.name: figure.of(lines) for figure in self.figures}
        return {**named, **{name: repr(value) for name, value in figures.items() if value is not None}}


def install() -> None:
    """Make this process's MiniStack answer queries with `stats`."""
    others = cloudwatch_logs._start_query

    def start(data: Mapping[str, Any]) -> Any:
        text = data.get("queryString", "")
        _forget_old()
        return _start(data, text) if re.search(r"\bstats\b", text) else others(data)

    cloudwatch_logs._start_query = start


def parse(text: str) -> Query:
    """Parse a query; raises MalformedQueryError for what is not in the language above."""
    found = _QUERY.fullmatch(" ".join(text.split()))
    if found is None:
        raise MalformedQueryError(f"only `filter … | stats … by …` is known here, not: {text}")
    conditions, figures, by = (found[place] for place in (1, 2, 3))
    return Query(
        [_condition(each) for each in conditions.split(" and ")],
        [_figure(each) for each in figures.split(", ")],
        [_named(each) for each in by.split(", ")],
    )


def field_of(line: Line, field: str) -> Any:
    """A discovered field of a line; dots lead into objects. None if the line lacks it."""
    value: Any = line
    for name in field.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _condition(text: str) -> Condition:
    if found := _PRESENT.fullmatch(text):
        absent, field = found[1] is not None, found[2]
        return lambda line: (field_of(line, field) is None) is absent
    if found := _EQUAL.fullmatch(text):
        field, wanted = found[1], found[2]
        return lambda line: str(field_of(line, field)) == wanted
    if found := _ORDERED.fullmatch(text):
        return _ordered(found[1], float(found[3]), below=found[2] == "<")
    raise MalformedQueryError(f"the condition is not known here: {text}")


def _ordered(field: str, limit: float, *, below: bool) -> Condition:
    def holds(line: Line) -> bool:
        value = field_of(line, field)
        return value is not None and (float(value) < limit) is below

    return holds


def _figure(text: str) -> Figure:
    found = _FIGURE.fullmatch(text)
    if found is None or (found[1] == "count" and found[3] is not None):
        raise MalformedQueryError(f"the figure is not known here: {text}")
    return Figure(found[4], found[1], found[2], None if found[3] is None else float(found[3]))


def _named(text: str) -> str:
    if re.fullmatch(_FIELD, text) is None:
        raise MalformedQueryError(f"the group is not known here: {text}")
    return text


def _start(data: Mapping[str, Any], text: str) -> Any:
    groups = cloudwatch_logs._resolve_query_log_groups(data)
    missing = [group for group in groups if group not in cloudwatch_logs._log_groups]
    if missing or not groups:
        named = f"The specified log group does not exist: {', '.join(missing) or 'none is named'}"
        return error_response_json("ResourceNotFoundException", named, 400)
    try:
        rows = parse(text).rows(_lines(groups, int(data["startTime"]), int(data["endTime"])))
    except MalformedQueryError as error:
        return error_response_json("MalformedQueryException", str(error), 400)
    most = int(data.get("limit") or _MOST_ROWS)
    results = [[{"field": name, "value": value} for name, value in row.items()] for row in rows[:most]]
    query = new_uuid()
    cloudwatch_logs._queries[query] = {"queryId": query, "status": "Complete", "results": results}
    return json_response({"queryId": query})


def _lines(groups: Iterable[str], start: int, end: int) -> list[Line]:
    """The JSON objects among the lines of some groups, received in [``start``, ``end``] in seconds."""
    with cloudwatch_logs._log_events_lock:
        messages = [
            event["message"]
            for group in groups
            for stream in list(cloudwatch_logs._log_groups[group]["streams"].values())
            for event in stream["events"]
            if start * _MS_PER_SECOND <= event["timestamp"] <= end * _MS_PER_SECOND
        ]
    return [line for message in messages if (line := _read(message)) is not None]


def _read(message: str) -> Line | None:
    if not message.startswith("{"):
        return None
    try:
        found = json.loads(message)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _forget_old() -> None:
    kept = cloudwatch_logs._queries
    for query in list(kept)[: max(0, len(kept) - QUERIES_KEPT + 1)]:
        del kept[query]
