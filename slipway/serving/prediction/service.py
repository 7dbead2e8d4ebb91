"""A prediction request, whatever the transport: features, cache, assignment, prediction batched by version."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

from slipway.config import Config, FeatureValue, ModelConfig
from slipway.errors import FieldProblem, InputError, NotFoundError, PredictionError, UnavailableError
from slipway.features.cache import Output, PredictionCache, cache_key
from slipway.features.definitions import FeatureDefinitions
from slipway.features.store import FeatureKey, FeatureRow, FeatureStore
from slipway.models.manifest import Manifest, Record
from slipway.models.schema import RequestRecord, record_model
from slipway.monitoring.captures.line import is_sampled
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.requests import RequestEvent
from slipway.serving.http.exchange import Answer, Call, Endpoint
from slipway.serving.prediction.live_releases import ConfiguredReleases, Releases
from slipway.serving.prediction.reading import RecordReader
from slipway.serving.prediction.request import (
    Ask,
    ByRecord,
    Place,
    Placing,
    Prediction,
    PredictionRequest,
    captures,
    count_outputs,
)

ModelVersion = tuple[str, int]
_LOG = logging.getLogger("slipway")


class Predicts(Protocol):
    """A loaded version: what `slipway.models.predictor.Predictor` is."""

    @property
    def manifest(self) -> Manifest: ...

    def predict(self, records: Sequence[Record]) -> list[dict[str, Any]]: ...


Models = Mapping[ModelVersion, Predicts]
Load = Callable[[str, int], Predicts]


@dataclass(frozen=True, slots=True)
class ServedVersion:
    """A loaded version with what reads its records."""

    predictor: Predicts
    reader: RecordReader


class PredictionService:
    """Answers prediction requests: `predict` does all of it, or whoever may not wait takes the steps one by one.

    The steps are `begin`, `fetch`, `assign`, `look_up`, `infer`, `remember` and `finish`, in this order; `fetch`,
    `look_up` and `remember` wait for tables, and `infer` for the graph.

    Args:
        config: slipway.yaml.
        models: the loaded versions, by name and number. A model of which none is loaded is listed and not served: it is
            of the other tier, or has another container.
        releases: which versions serve; by default the stable ones of ``config``.
        load: loads a version of ``config`` that is not among ``models``: the registry did not give it at the start.
        store: needed where a model has inputs from feature groups.
        cache: needed where a model has its cache on.
        attempts: is told what a candidate begins, where one that hangs would leave no metrics.
    """

    def __init__(
        self,
        config: Config,
        models: Models,
        *,
        releases: Releases | None = None,
        load: Load | None = None,
        store: FeatureStore | None = None,
        cache: PredictionCache | None = None,
        attempts: Callable[[str, int], None] | None = None,
    ) -> None:
        self.config = config
        self.releases = releases or ConfiguredReleases(config)
        self._definitions = FeatureDefinitions(config.features)
        self._defaults = {group: self._definitions.defaults(group) for group in config.features}
        self._load = load
        self._store = store
        self._cache = cache
        self._attempts = attempts
        self._by_record = ByRecord(self.releases)
        self._versions = {key: self._served(predictor) for key, predictor in models.items()}

    def _served(self, predictor: Predicts) -> ServedVersion:
        limits = self.config.api.limits
        record = record_model(predictor.manifest, self._definitions.entities, text_characters=limits.text_characters)
        return ServedVersion(predictor, RecordReader(record, limit=limits.records))

    def model(self, name: str) -> ModelConfig:
        """Raises NotFoundError for a model that is not deployed."""
        try:
            return self.config.models[name]
        except KeyError:
            raise NotFoundError("model", name[:100], self.config.models) from None

    def is_loaded(self, name: str, version: int | None = None) -> bool:
        """Whether this process has a version of a model at hand; by default, the stable one."""
        return (name, self.releases.of(name).stable if version is None else version) in self._versions

    def version(self, model: str, version: int | None) -> ServedVersion:
        """The version that is named, or the stable one; raises NotFoundError, and UnavailableError for one to load."""
        versions = self.model(model).versions
        number = self.releases.of(model).stable if version is None else version
        served = self._versions.get((model, number))
        if served is not None:
            return served
        if self._load is None or number not in versions:
            raise NotFoundError(f"version of {model}", str(number), map(str, versions))
        return self._versions.setdefault((model, number), self._served(self._load(model, number)))

    def predict(
        self,
        model: str,
        version: int | None,
        read: Callable[[RecordReader], list[RequestRecord]],
        event: RequestEvent,
        *,
        request_id: str = "",
        placing: Placing | None = None,
    ) -> list[Prediction]:
        """Predictions in the order of the records.

        Args:
            model: the model's name.
            version: the version that the caller addresses, or None for what the release assigns.
            read: takes the records from the request, with the reader of the version whose schema counts.
            event: what happened is noted here.
            request_id: goes into captures.
            placing: which versions predict the records; by default the release assigns each by itself.

        Raises:
            InputError: some record is wrong; nothing was predicted.
            NotFoundError: there is no such model or version.
            UnavailableError: features are needed, and the store is down.
            PredictionError: the version failed.
        """
        request = self.begin(model, version, read, event, request_id=request_id, placing=placing)
        self.assign(request, self.fetch(request))
        cached = self.is_cached(model)
        if cached:
            self.look_up(request)
        self.infer(request)
        if cached and not self.remember(request):
            event.count(metrics.CACHE_ERRORS)
        return self.finish(request)

    def endpoint(self, parse: Callable[[Call], Ask]) -> Endpoint:
        """An endpoint that answers before anything else is done: it is `Predicting`."""

        def predict(call: Call) -> Answer:
            ask = parse(call)
            predictions = self.predict(
                ask.model, ask.version, ask.read, call.event, request_id=call.request_id, placing=ask.placing
            )
            return ask.answer(predictions)

        return predict

    def begin(
        self,
        model: str,
        version: int | None,
        read: Callable[[RecordReader], list[RequestRecord]],
        event: RequestEvent,
        *,
        request_id: str = "",
        placing: Placing | None = None,
    ) -> PredictionRequest:
        """Validate the request, and find what it needs of the store; raises InputError and NotFoundError."""
        event.model = metrics.UNKNOWN_MODEL
        served = self.version(model, version)
        event.model = model
        records = read(served.reader)
        needs = [record.to_fetch() for record in records]
        missing = list(dict.fromkeys(self._key(group, id) for need in needs for group, id in need.items()))
        return PredictionRequest(model, version, event, request_id, records, needs, missing, placing or self._by_record)

    def fetch(self, request: PredictionRequest) -> Mapping[FeatureKey, FeatureRow]:
        """The rows that the records need, all in one call of the store; raises UnavailableError."""
        if not request.missing:
            return {}
        if self._store is None:
            raise UnavailableError("feature store", "this deployment has none")
        rows = self._store.read(request.missing)
        request.event.count(metrics.FEATURE_HITS, len(rows))
        request.event.count(metrics.FEATURE_MISSES, len(request.missing) - len(rows))
        return rows

    def assign(self, request: PredictionRequest, rows: Mapping[FeatureKey, FeatureRow]) -> None:
        """Make the records whole, and give each an id and a version; raises InputError."""
        records: list[Record] = []
        problems: list[FieldProblem] = []
        for number, (record, need) in enumerate(zip(request.records, request.needs, strict=True)):
            stored = {group: self._values(group, rows.get(self._key(group, id))) for group, id in need.items()}
            try:
                records.append(record.complete(stored, prefix=f"{request.placing.field}[{number}]"))
            except InputError as error:
                problems.extend(error.problems)
        if problems:
            raise InputError(problems)
        request.places = request.placing.place(request, records)

    def _key(self, group: str, id: str) -> FeatureKey:
        return FeatureKey(self._definitions.entities[group], id, group)

    def _values(self, group: str, row: FeatureRow | None) -> Mapping[str, FeatureValue]:
        return self._defaults[group] if row is None else {**self._defaults[group], **row.values}

    def infer(self, request: PredictionRequest) -> None:
        """Predict what has no output yet, one batch for each version; raises PredictionError."""
        batches: dict[int, list[Place]] = {}
        for place in request.places:
            if place.output is None:
                batches.setdefault(place.version, []).append(place)
        for version, batch in batches.items():
            self._begun(request.model, version)
            started = time.perf_counter()
            try:
                outputs = self._predicted(request, version, batch)
            except (PredictionError, UnavailableError) as error:
                if not request.placing.goes_on_without(request, version):
                    raise
                _LOG.warning("a request goes on without version %s of %s: %s", version, request.model, error)
                continue
            took = round((time.perf_counter() - started) * 1000, 3)
            request.event.count(metrics.PREDICTIONS, len(batch), Version=str(version))
            request.event.count(metrics.INFERENCE_LATENCY, took, Version=str(version))
            for place, output in zip(batch, outputs, strict=True):
                place.output = output

    def _predicted(self, request: PredictionRequest, version: int, batch: list[Place]) -> Sequence[Output]:
        """The outputs of one version; its failure is counted as its own, whatever it is."""
        try:
            return self.version(request.model, version).predictor.predict([place.record for place in batch])
        except Exception:
            request.event.count(metrics.FAILURES, 1, Version=str(version))
            raise

    def _begun(self, model: str, version: int) -> None:
        if self._attempts and version != self.releases.of(model).stable and self.releases.is_watched(model):
            self._attempts(model, version)

    def is_cached(self, model: str) -> bool:
        """Whether known answers of the model are taken from the cache."""
        return self._cache is not None and self.config.models[model].cache.enabled

    def look_up(self, request: PredictionRequest) -> None:
        """Take the outputs that the cache has; none where it is down, since a prediction can be made without it."""
        for place in request.places:
            place.key = cache_key(request.model, place.version, place.record)
        found = self._found([place.key for place in request.places], request.event)
        for place in request.places:
            place.output = found.get(place.key)
            place.cached = place.output is not None
        hits = sum(place.cached for place in request.places)
        request.event.count(metrics.CACHE_HITS, hits)
        request.event.count(metrics.CACHE_MISSES, len(request.places) - hits)

    def remember(self, request: PredictionRequest) -> bool:
        """Put what `look_up` did not find into the cache; says whether that went well."""
        missed = [place for place in request.places if not (place.cached or place.elsewhere)]
        made = {place.key: place.output for place in missed if place.output}
        try:
            if self._cache is not None:
                self._cache.put(made, timedelta(days=self.config.models[request.model].cache.ttl_days))
        except UnavailableError:
            return False
        return True

    def finish(self, request: PredictionRequest) -> list[Prediction]:
        """The answers, in the order of the records; a capture of them is taken of some requests."""
        if is_sampled(share := self.releases.captured(request.model)):
            # While shadows run, more is captured than slipway.yaml says, and no more is kept.
            kept = is_sampled(self.config.models[request.model].capture.sample / share)
            request.event.captures.extend(captures(request, kept=kept))
        if self.releases.is_watched(request.model):
            request.event.later = partial(count_outputs, request)
        return [Prediction(place.id, place.version, place.output or {}, place.cached) for place in request.places]

    def _found(self, keys: list[str], event: RequestEvent) -> Mapping[str, Output]:
        try:
            return self._cache.get(dict.fromkeys(keys)) if self._cache is not None else {}
        except UnavailableError:
            event.count(metrics.CACHE_ERRORS)
            return {}
