"""The query of CloudWatch Logs Insights that counts the guards of a sticky release by bucket, and what it answers.

Metric lines have the bucket as a member, because 128 values of a dimension would be 128 metrics of each kind.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from slipway.monitoring.feedback.bucket_sums import BucketSums
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.dimensions import dimension_value
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.clusters import clusters
from slipway.releases.evidence.tallies import Clusters
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.routing.buckets import BUCKETS

Row = Mapping[str, str]
Sums = Mapping[int, float]
"""A sum by bucket."""

MOST_ROWS = 10_000
MOST_LABELS = 10
_LATENCY = metrics.INFERENCE_LATENCY
_DONE, _POSITIVE, _NEGATIVE = "done", "positive", "negative"
_SUMMED = {"failed": metrics.FAILURES, "scored": metrics.SCORED, "scores": metrics.SCORES, "labelled": metrics.LABELS}


def query_text(project: str, record: ReleaseRecord, start: datetime, end: datetime) -> str:
    """The query for the lines of requests that began in [``start``, ``end``)."""
    first, last = (int(time.timestamp() * 1000) for time in (start, end))
    wanted = [
        f"ispresent({metrics.BUCKET})",
        f'{metrics.PROJECT} = "{project}"',
        f'{metrics.MODEL} = "{record.model}"',
        f"_aws.Timestamp >= {first}",
        f"_aws.Timestamp < {last}",
    ]
    by = [metrics.VERSION, metrics.BUCKET]
    if labels_of(record):
        by.append(metrics.LABEL)
    else:
        wanted.append(f"not ispresent({metrics.LABEL})")
    return f"filter {' and '.join(wanted)} | stats {', '.join(_figures(record))} by {', '.join(by)}"


def labels_of(record: ReleaseRecord) -> tuple[str, ...]:
    """The labels that are counted by bucket: all of them, or none if there are too many for one answer."""
    rows = (1 + len(record.candidates)) * BUCKETS * (1 + len(record.labels))
    return record.labels if len(record.labels) <= MOST_LABELS and rows <= MOST_ROWS else ()


def read_rows(record: ReleaseRecord, rows: Iterable[Row]) -> dict[int, dict[str, Clusters]]:
    """The sums by bucket of each version, for every key that has outcomes."""
    by_version: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        by_version[int(row[metrics.VERSION])].append(row)
    versions = (record.stable, *record.candidates)
    found = {version: dict(_of_version(record, version, by_version[version])) for version in versions}
    return {version: of_key for version, of_key in found.items() if of_key}


def _figures(record: ReleaseRecord) -> Iterator[str]:
    yield f"count({_LATENCY}) as {_DONE}"
    yield from (f"sum({metric}) as {name}" for name, metric in _SUMMED.items())
    for place, limit in enumerate(_latency_limits(record)):
        yield f"sum({_LATENCY} > {_digits(limit)}) as slow{place}"
    if record.value_limits:
        yield f"count({metrics.VALUES}) as {_POSITIVE}"
        yield f"count({metrics.NEGATIVE_VALUES}) as {_NEGATIVE}"
    for place, limit in enumerate(record.value_limits):
        metric = metrics.VALUES if limit >= 0 else metrics.NEGATIVE_VALUES
        yield f"sum({metric} > {_digits(abs(limit))}) as beyond{place}"


def _of_version(record: ReleaseRecord, version: int, rows: list[Row]) -> Iterator[tuple[str, Clusters]]:
    def summed(name: str) -> Sums:
        return _by_bucket(rows, name)

    done, failed = summed(_DONE), summed("failed")
    found: dict[str, BucketSums] = {keys.ERRORS: _paired(_plus(done, failed), failed)}
    places = {limit: place for place, limit in enumerate(_latency_limits(record))}
    for key, limit in record.latency_limits(version).items():
        found[key] = _paired(done, summed(f"slow{places[limit]}"))
    found[keys.SCORE] = _paired(summed("scored"), summed("scores"))
    for label in labels_of(record):
        of_label = [row for row in rows if row.get(metrics.LABEL) == dimension_value(label)]
        found[keys.label_key(label)] = _paired(summed("labelled"), _by_bucket(of_label, "labelled"))
    positive, negative = summed(_POSITIVE), summed(_NEGATIVE)
    for place, limit in enumerate(record.value_limits):
        n, beyond = _plus(positive, negative), summed(f"beyond{place}")
        # A negative value with a larger absolute value than a negative limit is below the limit.
        above = beyond if limit >= 0 else {bucket: count - beyond.get(bucket, 0.0) for bucket, count in n.items()}
        found[keys.value_key(limit)] = _paired(n, above)
    return ((key, clusters(sums)) for key, sums in found.items() if any(n for n, _ in sums.values()))


def _latency_limits(record: ReleaseRecord) -> list[float]:
    versions = (record.stable, *record.candidates)
    return sorted({limit for version in versions for limit in record.latency_limits(version).values()})


def _by_bucket(rows: Iterable[Row], name: str) -> Sums:
    sums: dict[int, float] = defaultdict(float)
    for row in rows:
        sums[int(row[metrics.BUCKET])] += float(row.get(name) or 0)
    return sums


def _plus(one: Sums, other: Sums) -> Sums:
    return {bucket: one.get(bucket, 0.0) + other.get(bucket, 0.0) for bucket in {*one, *other}}


def _paired(n: Sums, total: Sums) -> BucketSums:
    return {bucket: (count, total.get(bucket, 0.0)) for bucket, count in n.items()}


def _digits(limit: float) -> str:
    """All digits of a float, without an exponent."""
    return format(Decimal(repr(limit)), "f")
