"""Read the evidence of a release from CloudWatch: each version's figures per minute, and the named alarms.

CloudWatch counts latencies above a limit with its statistic `TC(limit:)`.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from slipway.aws.clients import answered_by, new_client
from slipway.aws.metric_data import MetricDataReader, MetricQuery
from slipway.config.releases.options import Shadow
from slipway.monitoring.feedback.store import BUCKET, FeedbackCounters
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.dimensions import dimension_value
from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.accuracy import with_accuracy
from slipway.releases.evidence.guardrails import guardrail_queries, guardrail_tallies, refused_values
from slipway.releases.evidence.preferences import with_preferences
from slipway.releases.evidence.queries import COUNT, Query, over, value_queries, value_tallies
from slipway.releases.evidence.rewards import new_rewards
from slipway.releases.evidence.tallies import Reference, Tally, Window
from slipway.releases.evidence.unfinished import DISTRUST, Values, complete_until, without_lost_lines
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.stored_evidence import LatencyLimits

_MINUTE = timedelta(minutes=1)
# The metrics of a minute appear some time after its end. Requests that began in it may end up to 29 s later.
LAG = timedelta(seconds=60)
# How much later a minute is judged if requests that began in it have not ended by then.
_PATIENCE = timedelta(seconds=60)
_LONGEST = timedelta(hours=6)
_BEFORE = timedelta(hours=3)
_LEAST_FOR_QUANTILES = 100


# Time the graph alone: a candidate starts with an empty cache, so counting cached answers would make it look slow.
_LATENCY = metrics.INFERENCE_LATENCY
_OF_SLOTS = (metrics.REQUESTS, metrics.FAULTS, metrics.UNFINISHED)
_OF_PARTS = (metrics.FAILURES, metrics.UNFINISHED)


class CloudWatchEvidence:
    """An `EvidenceReader`; ``options`` are passed to the boto3 client.

    Args:
        project: the value of the dimension `Project`.
        rewards: the counters of feedback: rewards, labels and clicks.
        lag: how long after its end a minute is read.
        span: the length of the spans in which rewards are counted.
    """

    def __init__(
        self,
        project: str,
        rewards: FeedbackCounters,
        options: Mapping[str, Any],
        *,
        lag: timedelta = LAG,
        span: timedelta = BUCKET,
    ) -> None:
        self._project = project
        self._rewards = rewards
        self._lag = lag
        self._span = span
        self._client = new_client("cloudwatch", options)
        self._metrics = MetricDataReader(self._client)

    def windows(self, record: ReleaseRecord, now: datetime) -> tuple[Window, ...]:
        end = _floor(now - self._lag)
        start = max(_ceiling(record.judged_until), end - _LONGEST)
        if start >= end:
            return ()
        versions = (record.stable, *record.candidates)
        queries = [query for version in versions for query in _queries(record, version)]
        shown = Query(record.candidates[0], metrics.IMPRESSIONS)
        found = self._read(record, [*queries, shown], start - DISTRUST, end, _MINUTE)
        values = without_lost_lines(record, found)
        end = complete_until(record, values, (start, end), now - self._lag - _PATIENCE)
        minutes = [start + number * _MINUTE for number in range((end - start) // _MINUTE)]
        if not minutes:
            return ()
        windows = [window_of(record, values, minute) for minute in minutes]
        last = with_accuracy(record, self._with_rewards(record, windows[-1]), self._rewards)
        ranked = sum(count for minute, count in values.get(shown, {}).items() if start <= minute < end)
        return (*windows[:-1], with_preferences(record, last, self._rewards, ranked))

    def reference(self, record: ReleaseRecord, now: datetime) -> Reference | None:
        stable = record.stable
        figures = [Query(stable, _LATENCY, statistic) for statistic in ("p50", "p99", COUNT)]
        end = now - self._lag
        values = self._read(record, figures, end - _BEFORE, end, _BEFORE)
        p50, p99, count = (values.get(figure, {}) for figure in figures)
        # CloudWatch aligns its periods, so the time before the release can touch two of them. Use the fuller one.
        fullest = max(count, key=lambda span: count[span], default=None)
        limits = None
        if fullest is not None and count[fullest] >= _LEAST_FOR_QUANTILES and fullest in p50 and fullest in p99:
            limits = LatencyLimits(p50_ms=p50[fullest], p99_ms=p99[fullest])
        past = self._past(record.model_copy(update={"limits": limits}), _floor(end))
        if not past:
            return None
        if limits is None:
            return Reference(tallies=_added_up(past), past=past)
        return Reference(limits.p50_ms, limits.p99_ms, _added_up(past), past)

    def _past(self, record: ReleaseRecord, end: datetime) -> tuple[Mapping[str, Tally], ...]:
        """The stable version's tallies of each minute before, without minutes that had no traffic."""
        start = end - _BEFORE
        values = self._read(record, list(_queries(record, record.stable)), start, end, _MINUTE)
        minutes = (start + number * _MINUTE for number in range(_BEFORE // _MINUTE))
        at = ({query: found[minute] for query, found in values.items() if minute in found} for minute in minutes)
        return tuple(tallies for each in at if (tallies := _tallies(record, record.stable, each)))

    def alarms(self, names: Sequence[str]) -> dict[str, bool]:
        with answered_by("CloudWatch"):
            found = self._client.describe_alarms(AlarmNames=list(names), AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        alarms = [*found.get("MetricAlarms", []), *found.get("CompositeAlarms", [])]
        return {alarm["AlarmName"]: alarm["StateValue"] == "ALARM" for alarm in alarms}

    def _with_rewards(self, record: ReleaseRecord, last: Window) -> Window:
        """The last window with the rewards that arrived since the last look, whatever their prediction time."""
        for version in (record.stable, *record.candidates):
            made = partial(self._predictions, record)
            new = new_rewards(record, version, last.end, self._rewards, made, span=self._span)
            if new is not None:
                last = last.with_tally(version, keys.REWARD, new.tally, new.clusters)
        return last

    def _predictions(self, record: ReleaseRecord, version: int, since: datetime, until: datetime) -> float:
        """The number of predictions that a version made."""
        query = Query(version, metrics.PREDICTIONS)
        found = self._read(record, [query], since, until, self._span)
        return sum(found.get(query, {}).values())

    def _read(
        self, record: ReleaseRecord, queries: Sequence[Query], start: datetime, end: datetime, period: timedelta
    ) -> dict[Query, dict[datetime, float]]:
        """The values of each query by the start of their period; queries without values are left out."""
        asked = [self._query(record, query) for query in queries]
        found = zip(queries, self._metrics.read(asked, start, end, period), strict=True)
        return {query: values for query, values in found if values}

    def _query(self, record: ReleaseRecord, query: Query) -> MetricQuery:
        if query.guardrail is not None:
            own = record.judge.metrics[query.guardrail]
            return MetricQuery(own.namespace, own.metric, query.statistic, own.dimensions_of(query.version))
        # Shadow scores have a dimension of their own, apart from the answers to callers.
        scored_by = metrics.SHADOW if _is_shadow(record) else metrics.VERSION
        named = {metrics.PROJECT: self._project, metrics.MODEL: record.model, scored_by: str(query.version)}
        if query.label is not None:
            named[metrics.LABEL] = dimension_value(query.label)
        if query.target is not None:
            named[metrics.TARGET] = dimension_value(query.target)
        return MetricQuery(metrics.NAMESPACE, query.metric, query.statistic, tuple(named.items()))


def _added_up(minutes: Sequence[Mapping[str, Tally]]) -> dict[str, Tally]:
    added: dict[str, Tally] = {}
    for minute in minutes:
        for key, tally in minute.items():
            added[key] = added.get(key, keys.NOTHING) + tally
    return added


def _is_shadow(record: ReleaseRecord) -> bool:
    return isinstance(record.options, Shadow)


def _queries(record: ReleaseRecord, version: int) -> Iterator[Query]:
    """All queries for a version in a window."""
    yield from _counts(record, version)
    limits = record.latency_limits(version)
    if limits:
        yield from (Query(version, _LATENCY, over(limit)) for limit in limits.values())


def _counts(record: ReleaseRecord, version: int) -> Iterator[Query]:
    yield Query(version, _LATENCY, COUNT)
    yield from (Query(version, name) for name in (*_counted(record), metrics.SCORES, metrics.SCORED))
    yield from (Query(version, metrics.LABELS, label=label) for label in record.labels)
    if record.labels:
        yield Query(version, metrics.LABELLED)
    yield from value_queries(version, record.value_limits)
    for target, limits in record.target_limits.items():
        yield from value_queries(version, limits, target)
    yield from guardrail_queries(record, version)
    if _is_shadow(record) and version != record.stable:
        yield from (Query(version, name) for name in (metrics.COMPARED, metrics.DISAGREEMENTS))


def window_of(record: ReleaseRecord, values: Values, minute: datetime) -> Window:
    at = {query: found[minute] for query, found in values.items() if minute in found}
    versions = (record.stable, *record.candidates)
    arms = {version: _tallies(record, version, at) for version in versions}
    refused = {what: why for version in versions for what, why in refused_values(record, version, at).items()}
    counted = {version: tallies for version, tallies in arms.items() if tallies}
    return Window(minute, minute + _MINUTE, counted, refused=refused)


def _tallies(record: ReleaseRecord, version: int, values: Mapping[Query, float]) -> dict[str, Tally]:
    """The tallies of a version that have outcomes."""
    timed = values.get(Query(version, _LATENCY, COUNT), 0.0)
    tallies = {keys.ERRORS: _errors(record, version, values, timed)}
    for key, limit in record.latency_limits(version).items():
        tallies[key] = Tally(timed, values.get(Query(version, _LATENCY, over(limit)), 0.0))
    scored = values.get(Query(version, metrics.SCORED), 0.0)
    tallies[keys.SCORE] = Tally(scored, values.get(Query(version, metrics.SCORES), 0.0))
    labels = {label: values.get(Query(version, metrics.LABELS, label=label), 0.0) for label in record.labels}
    records = values.get(Query(version, metrics.LABELLED), 0.0) or sum(labels.values())
    tallies |= {keys.label_key(label): Tally(records, min(count, records)) for label, count in labels.items()}
    tallies |= value_tallies(version, record.value_limits, values)
    for target, limits in record.target_limits.items():
        tallies |= value_tallies(version, limits, values, target)
    tallies |= guardrail_tallies(record, version, values)
    compared = values.get(Query(version, metrics.COMPARED), 0.0)
    tallies[keys.AGREEMENT] = Tally(compared, values.get(Query(version, metrics.DISAGREEMENTS), 0.0))
    return {key: tally for key, tally in tallies.items() if tally.n}


def _counted(record: ReleaseRecord) -> tuple[str, ...]:
    """The metrics that errors are counted by: a slot's requests, or on the light tier and in shadows parts of requests.

    A light model's request can be split over several versions.
    """
    return _OF_SLOTS if record.tier == "heavy" and not _is_shadow(record) else _OF_PARTS


def _errors(record: ReleaseRecord, version: int, values: Mapping[Query, float], done: float) -> Tally:
    """The number of requests, or parts of requests, and the number of those that failed."""
    names = _counted(record)
    found = {name: values.get(Query(version, name), 0.0) for name in names}
    # A part that began and never ended hangs, or has crashed its process.
    hanging = max(found[metrics.UNFINISHED], 0.0)
    if names == _OF_SLOTS:
        requests = found[metrics.REQUESTS]
        return Tally(requests + hanging, min(found[metrics.FAULTS], requests) + hanging)
    failed = found[metrics.FAILURES] + hanging
    return Tally(done + failed, failed)


def _floor(time: datetime) -> datetime:
    return time.replace(second=0, microsecond=0)


def _ceiling(time: datetime) -> datetime:
    floor = _floor(time)
    return floor if floor == time else floor + _MINUTE
