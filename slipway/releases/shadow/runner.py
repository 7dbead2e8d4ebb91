"""Score captured records with the candidates and the stable version, without answering any caller.

All versions run in this one process, one after the other, and take turns at going first. Their latencies and failures
are therefore comparable, whatever the live version runs on.
"""

import logging
import math
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from slipway.config import Config
from slipway.models.prediction.answers import agree
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.metrics import metric_line, pages
from slipway.monitoring.telemetry.outputs import count_output
from slipway.monitoring.telemetry.requests import RequestEvent
from slipway.releases.routing.serving import Serving, ServingStore
from slipway.releases.shadow.scorer import LoadedVersion, Score, Scorer

_LOG = logging.getLogger("slipway")
_TELL_SECONDS = 60.0
_RANDOM_DIGITS = 16  # the last digits of a prediction id are random; the ones before them are its time
_RANDOM = 16**16
ModelVersion = tuple[str, int]
Load = Callable[[str, int], LoadedVersion]


def is_chosen(prediction_id: str, share: float) -> bool:
    """Whether a prediction's record is in the scored share; the same for every shadow and process."""
    return int(prediction_id[-_RANDOM_DIGITS:], 16) < share * _RANDOM


class ShadowRunner:
    """Scores captures with all shadows of the project.

    Args:
        config: slipway.yaml.
        releases: the store that says which versions are shadows.
        load: loads a version from slipway.yaml.
        write: receives the lines with the metrics.
        clock: returns seconds since the epoch.
    """

    def __init__(
        self,
        config: Config,
        releases: ServingStore,
        load: Load,
        write: Callable[[str], None],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._releases = releases
        self._load = load
        self._write = write
        self._clock = clock
        self._scorers: dict[ModelVersion, Scorer] = {}
        self._told: dict[ModelVersion, float] = {}

    def score(self, captures: Sequence[Capture], seconds: float) -> int:
        """Score the sampled captures within about ``seconds`` and return how many there were.

        Raises:
            UnavailableError: the store cannot say which versions are shadows.
        """
        shadowed = self._shadowed()
        self._forget_all_but(_keys(shadowed.values()))
        chosen = [each for each in captures if each.model in shadowed and self._takes(each, shadowed[each.model])]
        called = {capture.model: shadowed[capture.model] for capture in chosen}
        part = seconds / max(len(_keys(called.values())), 1)
        budgets = dict.fromkeys(_keys(called.values()), part)
        events = {model: RequestEvent(model=model) for model in called}
        for capture in chosen:
            serving = called[capture.model]
            for version in _in_turn(_versions(serving), capture.id):
                score = self._scored(capture, version, budgets, part / 2)
                _count(events[capture.model], capture, serving, version, score)
        for event in events.values():
            self._emit(event)
        return len(chosen)

    def _shadowed(self) -> dict[str, Serving]:
        found = self._releases.serving(self._config.models)
        return {model: serving for model, serving in found.items() if serving.shadowing is not None}

    def _takes(self, capture: Capture, serving: Serving) -> bool:
        """Whether a capture is the stable version's and in the share that is scored.

        Captures are sampled at the rate of slipway.yaml or of the shadow, whichever is higher.
        """
        if serving.shadowing is None or capture.version != serving.release.stable:
            return False
        sample = serving.shadowing.sample
        captured = max(sample, self._config.models[capture.model].capture.sample)
        return is_chosen(capture.id, sample / captured)

    def _scored(
        self, capture: Capture, version: int, budgets: dict[ModelVersion, float], patience: float
    ) -> Score | None:
        """A version's score, or None if the version is not ready or its time is used up.

        Every version gets an equal part of the time, and may spend at most half of that on one record.
        """
        key = (capture.model, version)
        if budgets[key] < patience:
            return None
        started = time.perf_counter()
        score = self._scorer(key).score(capture.inputs, patience)
        budgets[key] -= time.perf_counter() - started
        if score is not None and score.problem:
            self._tell(key, score.problem)
        return score

    def _tell(self, key: ModelVersion, problem: str) -> None:
        """Log a problem at a limited rate, because a failing version may fail on every record."""
        now = self._clock()
        if now - self._told.get(key, -math.inf) >= _TELL_SECONDS:
            self._told[key] = now
            _LOG.error("%s %s fails in the shadow: %s", *key, problem)

    def _scorer(self, key: ModelVersion) -> Scorer:
        if key not in self._scorers:
            self._scorers[key] = Scorer(partial(self._load, *key), f"shadow-{key[0]}-{key[1]}")
        return self._scorers[key]

    def _forget_all_but(self, wanted: Iterable[ModelVersion]) -> None:
        for key in self._scorers.keys() - set(wanted):
            self._scorers.pop(key).close()

    def _emit(self, event: RequestEvent) -> None:
        now, named = int(self._clock() * 1000), {metrics.PROJECT: self._config.project, metrics.MODEL: str(event.model)}
        lines = [
            metric_line(page, {**named, **dict(key)}, now)
            for key in {**event.counts, **event.values}
            for page in pages(event.counts.get(key, {}), event.values.get(key, {}))
        ]
        self._write("".join(f"{line}\n" for line in lines))


def _versions(serving: Serving) -> tuple[int, ...]:
    release = serving.release
    return (release.stable, *(candidate.version for candidate in release.candidates))


def _keys(servings: Iterable[Serving]) -> list[ModelVersion]:
    return [(serving.release.model, version) for serving in servings for version in _versions(serving)]


def _in_turn(versions: Sequence[int], prediction_id: str) -> Sequence[int]:
    """The versions, starting with a different one per record, because the first one finds caches cold."""
    first = int(prediction_id[-_RANDOM_DIGITS:], 16) % len(versions)
    return (*versions[first:], *versions[:first])


def _count(event: RequestEvent, capture: Capture, serving: Serving, version: int, score: Score | None) -> None:
    own = {metrics.SHADOW: str(version)}
    if score is None:
        event.count(metrics.SKIPPED, 1, **own)
        return
    if score.output is None:
        event.count(metrics.FAILURES, 1, **own)
        return
    event.count(metrics.PREDICTIONS, 1, **own)
    event.observe(metrics.INFERENCE_LATENCY, score.milliseconds, **own)
    count_output(event, score.output, **own)
    if version != serving.release.stable and serving.shadowing is not None:
        event.count(metrics.COMPARED, 1, **own)
        if not agree(score.output, capture.outputs, serving.shadowing.tolerance):
            event.count(metrics.DISAGREEMENTS, 1, **own)
