"""Sums over groups in queries of logs (`stats sum(a.b) as n by a.c`), which MiniStack lacks, as are members of JSON.

Releases count by segment with such queries. The members of nested objects have names with dots, as on AWS:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ministack.services import cloudwatch_logs

_STATS = re.compile(r"stats\s+(?P<sums>.+?)\s+by\s+(?P<by>.+)")
_SUM = re.compile(r"sum\((?P<field>[\w.]+)\)\s+as\s+(?P<name>\w+)")
_EQUAL = re.compile(r'filter\s+(?P<field>\w[\w.]*)\s*=\s*"(?P<value>[^"]*)"')

Row = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Sums:
    """A query of sums: what events must equal, the summed fields by their new name, and the fields of a group."""

    equal: Mapping[str, str]
    sums: Mapping[str, str]
    by: Sequence[str]

    @classmethod
    def of(cls, query: str) -> "Sums | None":
        """The sums that a query asks for; None if it asks for none."""
        stages = [stage.strip() for stage in query.split("|")]
        found = next((match for stage in stages if (match := _STATS.fullmatch(stage))), None)
        if found is None:
            return None
        equal = {match["field"]: match["value"] for stage in stages if (match := _EQUAL.fullmatch(stage))}
        sums = {match["name"]: match["field"] for match in _SUM.finditer(found["sums"])}
        return cls(equal, sums, [name.strip() for name in found["by"].split(",")])

    def rows(self, messages: Iterator[str]) -> list[Row]:
        """One row for each group, with no value where no event of the group has the field."""
        groups: dict[tuple[str, ...], dict[str, float]] = {}
        for message in messages:
            fields = _fields(message)
            if any(_text(fields.get(name)) != value for name, value in self.equal.items()):
                continue
            sums = groups.setdefault(tuple(_text(fields.get(name)) for name in self.by), {})
            for name, field in self.sums.items():
                if isinstance(value := fields.get(field), int | float):
                    sums[name] = sums.get(name, 0) + value
        return [_row(dict(zip(self.by, group, strict=True)), sums) for group, sums in groups.items()]


def install() -> None:
    """Make this process's MiniStack answer queries of sums."""
    others = cloudwatch_logs._start_query

    def start(data: dict[str, Any]) -> Any:
        answer = others(data)
        sums = Sums.of(data.get("queryString", ""))
        status, _, body = answer
        if sums is not None and status == 200:
            cloudwatch_logs._queries[json.loads(body)["queryId"]]["results"] = sums.rows(_messages(data))
        return answer

    cloudwatch_logs._start_query = start


def _messages(data: Mapping[str, Any]) -> Iterator[str]:
    """The events in the query's range that pass MiniStack's own filters, as those of the time."""
    groups = cloudwatch_logs._resolve_query_log_groups(data)
    passes = cloudwatch_logs._insights_filter_predicates(data["queryString"])
    for record in cloudwatch_logs._collect_query_records(groups, data["startTime"], data["endTime"]):
        if all(predicate(record) for predicate in passes):
            yield str(record.get("@message", ""))


def _fields(message: str) -> dict[str, Any]:
    """The members of a line of JSON by their names with dots; none if it is something else."""
    try:
        found = json.loads(message)
    except ValueError:
        return {}
    return dict(_flat(found, "")) if isinstance(found, dict) else {}


def _flat(found: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in found.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _row(group: Mapping[str, str], sums: Mapping[str, float]) -> Row:
    values = {**group, **{name: str(int(total) if total == int(total) else total) for name, total in sums.items()}}
    return [{"field": name, "value": value} for name, value in values.items()]
