"""The catalogue of Slipway's metrics, and the encoding of lines with several dimension sets.

Powertools would record every metric under every set (ADR 2); `single_metric_line` uses it where there is one set.
Format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

NAMESPACE = "Slipway"
_encode = json.JSONEncoder(separators=(",", ":")).encode

PROJECT = "Project"
MODEL = "Model"
VERSION = "Version"
KIND = "Kind"
FUNCTION = "Function"
EXECUTED_VERSION = "ExecutedVersion"
"""The version of the function's code, as Lambda calls it in its own metrics; not a model's."""
GROUP = "Group"
SLOT = "Slot"
LABEL = "Label"
TARGET = "Target"
SHADOW = "Shadow"
BUCKET = "Bucket"
"""The member with the bucket of the sticky value, which no dimension set has: 128 of them would be 128 metrics."""

REQUESTS = "Requests"
LATENCY = "Latency"
ERRORS = "Errors"
FAULTS = "Faults"
PREDICTIONS = "Predictions"
INFERENCE_LATENCY = "InferenceLatency"
FEATURE_HITS = "FeatureHits"
FEATURE_MISSES = "FeatureMisses"
FEATURE_WRITES = "FeatureWrites"
FEATURE_REFUSALS = "FeatureRefusals"
CACHE_HITS = "CacheHits"
CACHE_MISSES = "CacheMisses"
CACHE_ERRORS = "CacheErrors"
PRECOMPUTED_HITS = "PrecomputedHits"
PRECOMPUTED_MISSES = "PrecomputedMisses"
FEEDBACK = "Feedback"
REWARD = "Reward"
SHARE = "Share"
IMPRESSIONS = "Impressions"
COLD_STARTS = "ColdStarts"
NOT_LOADED = "NotLoaded"
GOLDEN_FAILURES = "GoldenFailures"
QUEUE_TIME = "QueueTime"
BATCH_SIZE = "BatchSize"
PADDING_SHARE = "PaddingShare"
REJECTED = "Rejected"
EXPIRED = "Expired"
FORWARDED = "Forwarded"
NOT_FORWARDED = "NotForwarded"
GPU_UTILIZATION = "GpuUtilization"
WANTED_TASKS = "WantedTasks"
UNFINISHED = "Unfinished"
FAILURES = "Failures"
LABELS = "Labels"
LABELLED = "Labelled"
SCORES = "Scores"
SCORED = "Scored"
VALUES = "Values"
NEGATIVE_VALUES = "NegativeValues"
TARGET_VALUES = "TargetValues"
NEGATIVE_TARGET_VALUES = "NegativeTargetValues"
COMPARED = "Compared"
DISAGREEMENTS = "Disagreements"
SKIPPED = "Skipped"
DRIFTED_COLUMNS = "DriftedColumns"
LARGEST_DRIFT = "LargestDrift"
PROFILES_MADE = "ProfilesMade"
PROFILES_LATE = "ProfilesLate"
PROFILED_RECORDS = "ProfiledRecords"
EMPTY_PERIODS = "EmptyPeriods"
CAPTURES_LATE = "CapturesLate"
UNKNOWN_CAPTURES = "UnknownCaptures"
BROKEN_LINES = "BrokenLines"
ESTIMATED_ACCURACY = "EstimatedAccuracy"
LABELLED_ACCURACY = "LabelledAccuracy"
LABELS_NEEDED = "LabelsNeeded"
ACCURACY_FALLEN = "AccuracyFallen"
NOT_INDEXED = "NotIndexed"
SKEWED_ROWS = "SkewedRows"
SKEWED_FEATURES = "SkewedFeatures"
BATCH_ROWS = "BatchRows"
BATCH_REJECTED = "BatchRejected"

UNKNOWN_MODEL = "unknown"
"""The model dimension of requests for models that are not deployed, so that callers cannot create metrics."""


class Kind(StrEnum):
    """The kind of an error, which tells whose fault it is: the dimension `Kind` of `Errors`."""

    INPUT = "input"
    TOO_LARGE = "too_large"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    MODEL = "model"
    INTERNAL = "internal"


FAULT_KINDS = frozenset({Kind.UNAVAILABLE, Kind.MODEL, Kind.INTERNAL})
"""The kinds of error that are the service's fault and not the caller's."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric's unit and dimension sets, and its additional sets in slots of the heavy tier."""

    unit: str
    dimension_sets: tuple[tuple[str, ...], ...]
    in_slots: tuple[tuple[str, ...], ...] = ()

    def sets(self, *, in_slot: bool) -> tuple[tuple[str, ...], ...]:
        """Return the dimension sets. Slots record no project totals, whose alarms roll back light-tier deploys."""
        if not in_slot:
            return self.dimension_sets
        return (*(each for each in self.dimension_sets if each != _OF_PROJECT), *self.in_slots)


_OF_PROJECT = (PROJECT,)
_OF_MODEL = (PROJECT, MODEL)
_OF_VERSION = (PROJECT, MODEL, VERSION)
_OF_SHADOW = (PROJECT, MODEL, SHADOW)
_SCORED_BY = (_OF_VERSION, _OF_SHADOW)
_BY_TARGET = ((*_OF_VERSION, TARGET), (*_OF_SHADOW, TARGET))
_OF_GROUP = (PROJECT, GROUP)
_OF_SLOT = (PROJECT, MODEL, SLOT)
_IN_SLOTS = (_OF_SLOT, _OF_VERSION)

CATALOGUE: Mapping[str, Metric] = {
    REQUESTS: Metric("Count", (_OF_PROJECT, _OF_MODEL), _IN_SLOTS),
    LATENCY: Metric("Milliseconds", (_OF_PROJECT, _OF_MODEL), _IN_SLOTS),
    ERRORS: Metric("Count", (_OF_PROJECT, (PROJECT, MODEL, KIND)), _IN_SLOTS),
    FAULTS: Metric("Count", (_OF_PROJECT, (PROJECT, FUNCTION, EXECUTED_VERSION)), _IN_SLOTS),
    PREDICTIONS: Metric("Count", _SCORED_BY),
    INFERENCE_LATENCY: Metric("Milliseconds", _SCORED_BY),
    FEATURE_HITS: Metric("Count", (_OF_MODEL,)),
    FEATURE_MISSES: Metric("Count", (_OF_MODEL,)),
    FEATURE_WRITES: Metric("Count", (_OF_GROUP,)),
    FEATURE_REFUSALS: Metric("Count", (_OF_GROUP,)),
    CACHE_HITS: Metric("Count", (_OF_MODEL,)),
    CACHE_MISSES: Metric("Count", (_OF_MODEL,)),
    CACHE_ERRORS: Metric("Count", (_OF_MODEL,)),
    PRECOMPUTED_HITS: Metric("Count", (_OF_MODEL,)),
    PRECOMPUTED_MISSES: Metric("Count", (_OF_MODEL,)),
    FEEDBACK: Metric("Count", (_OF_VERSION,)),
    REWARD: Metric("None", (_OF_VERSION,)),
    # The share of traffic that a release intends for a version; `Predictions` shows the actual share.
    SHARE: Metric("Percent", (_OF_VERSION,)),
    # Rankings that a candidate and the stable version made together.
    IMPRESSIONS: Metric("Count", (_OF_VERSION,)),
    COLD_STARTS: Metric("Count", ((PROJECT, FUNCTION),)),
    # Deployed versions that a process cannot load, counted as it starts and for each request that needs one.
    NOT_LOADED: Metric("Count", (_OF_PROJECT, _OF_MODEL)),
    # Versions that a process refuses, because they differ from their golden records, counted each time one is loaded.
    GOLDEN_FAILURES: Metric("Count", (_OF_PROJECT, _OF_MODEL, _OF_VERSION)),
    QUEUE_TIME: Metric("Milliseconds", (_OF_SLOT,)),
    BATCH_SIZE: Metric("Count", (_OF_SLOT,)),
    PADDING_SHARE: Metric("None", (_OF_SLOT,)),
    REJECTED: Metric("Count", (_OF_SLOT,)),
    EXPIRED: Metric("Count", (_OF_SLOT,)),
    # Records that a sticky release assigned to the other slot: forwarded there, or not because forwarding failed.
    FORWARDED: Metric("Count", (_OF_SLOT,)),
    NOT_FORWARDED: Metric("Count", (_OF_SLOT,)),
    GPU_UTILIZATION: Metric("Percent", (_OF_SLOT,)),
    # The tasks of a slot that should be healthy; the controller writes it each minute.
    WANTED_TASKS: Metric("Count", (_OF_SLOT,)),
    # One version's part of a request: its failures. While a release is active, also the attempts that have not ended (1
    # when one begins, -1 when it ends) and its outputs: the share of records with each label, and their mean score.
    # Each request counts once.
    UNFINISHED: Metric("Count", (_OF_VERSION,)),
    FAILURES: Metric("Count", _SCORED_BY),
    LABELS: Metric("Count", ((*_OF_VERSION, LABEL), (*_OF_SHADOW, LABEL))),
    # Records of multi-label versions: each counts for any number of labels, so those do not add up to the records.
    LABELLED: Metric("Count", _SCORED_BY),
    SCORES: Metric("None", _SCORED_BY),
    SCORED: Metric("Count", _SCORED_BY),
    # Single values predicted by regressions. CloudWatch cannot count values over a limit if any value is negative, so
    # negative values have a metric of their own, as absolute values.
    VALUES: Metric("None", _SCORED_BY),
    NEGATIVE_VALUES: Metric("None", _SCORED_BY),
    # The same of regressions with several values, by target.
    TARGET_VALUES: Metric("None", _BY_TARGET),
    NEGATIVE_TARGET_VALUES: Metric("None", _BY_TARGET),
    # Records of a shadow that were compared with live answers, that disagreed, and that it had no time for.
    COMPARED: Metric("Count", (_OF_SHADOW,)),
    DISAGREEMENTS: Metric("Count", (_OF_SHADOW,)),
    SKIPPED: Metric("Count", (_OF_SHADOW,)),
    # Inputs and outputs that have drifted, and the largest effect of any: a Jensen–Shannon distance.
    DRIFTED_COLUMNS: Metric("Count", (_OF_PROJECT, _OF_VERSION)),
    LARGEST_DRIFT: Metric("None", (_OF_VERSION,)),
    # The monitor: profiles that a run made, and closed periods whose profiles it could not finish; captures that came
    # after their period had closed, captures of versions that cannot be used, and lines of files that are no captures.
    PROFILES_MADE: Metric("Count", (_OF_MODEL,)),
    PROFILES_LATE: Metric("Count", (_OF_PROJECT, _OF_MODEL)),
    CAPTURES_LATE: Metric("Count", (_OF_MODEL,)),
    UNKNOWN_CAPTURES: Metric("Count", (_OF_MODEL,)),
    BROKEN_LINES: Metric("Count", (_OF_MODEL,)),
    # The captures of a version in periods that closed, and the periods in which a live version had none.
    PROFILED_RECORDS: Metric("Count", (_OF_VERSION,)),
    EMPTY_PERIODS: Metric("Count", (_OF_VERSION,)),
    # Accuracy of what was captured: by calibrated scores, corrected by labels of drawn records; and by all labels, of
    # the hours whose labels are complete or were waited for. The labels that would make the interval as narrow as
    # `monitoring.accuracy.width` says.
    ESTIMATED_ACCURACY: Metric("None", (_OF_VERSION,)),
    LABELLED_ACCURACY: Metric("None", (_OF_VERSION,)),
    LABELS_NEEDED: Metric("Count", (_OF_VERSION,)),
    # 1 from the period in which accuracy was found to have fallen, else 0.
    ACCURACY_FALLEN: Metric("None", (_OF_PROJECT, _OF_VERSION)),
    # Captured predictions that the index of entities left out, because one entity had too many at once.
    NOT_INDEXED: Metric("Count", (_OF_PROJECT,)),
    SKEWED_ROWS: Metric("Count", (_OF_PROJECT, _OF_VERSION)),
    SKEWED_FEATURES: Metric("Count", (_OF_VERSION,)),
    # The rows of batch jobs that ended, and those of them that were rejected.
    BATCH_ROWS: Metric("Count", (_OF_MODEL,)),
    BATCH_REJECTED: Metric("Count", (_OF_MODEL,)),
}
_VALUES_A_LINE = 100


def metric_line(values: Mapping[str, float | list[float]], dimensions: Mapping[str, str], timestamp_ms: int) -> str:
    """Return a line without a newline that records ``values`` under every dimension set that ``dimensions`` can fill.

    A list of up to 100 numbers records each of them as a value of the metric.
    """
    head = _directives(tuple(values), tuple(dimensions))
    members = _encode({**dimensions, **values})
    return f'{{"_aws":{{"Timestamp":{timestamp_ms},"CloudWatchMetrics":{head}}},{members[1:]}'


def pages(
    sums: Mapping[str, float], lists: Mapping[str, Sequence[float]], *, single: bool = False
) -> Iterator[dict[str, float | list[float]]]:
    """Split sums and lists of values into the contents of as many lines as needed; the sums are in the first.

    With ``single``, a line has one value of each list, as a number, because queries of logs cannot search lists.
    """
    longest = max(map(len, lists.values()), default=0)
    if single:
        for place in range(max(longest, 1)):
            of_place = {name: values[place] for name, values in lists.items() if place < len(values)}
            yield {**(sums if place == 0 else {}), **of_place}
        return
    for first in range(0, max(longest, 1), _VALUES_A_LINE):
        found = {name: list(values[first : first + _VALUES_A_LINE]) for name, values in lists.items()}
        page: dict[str, float | list[float]] = {name: values for name, values in found.items() if values}
        if first == 0:
            page = {**sums, **page}
        if page:
            yield page


@lru_cache(maxsize=256)
def _directives(names: tuple[str, ...], dimensions: tuple[str, ...]) -> str:
    by_set: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for name in names:
        metric = CATALOGUE[name]
        for dimension_set in metric.sets(in_slot=SLOT in dimensions):
            if set(dimension_set) <= set(dimensions):
                by_set.setdefault(dimension_set, []).append({"Name": name, "Unit": metric.unit})
    directives = [
        {"Namespace": NAMESPACE, "Dimensions": [list(dimension_set)], "Metrics": metrics}
        for dimension_set, metrics in by_set.items()
    ]
    return _encode(directives)
