"""A prediction request, whatever the transport: features, cache, assignment, prediction batched by version."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from slipway.config import Config, FeatureValue, ModelConfig
from slipway.errors import FieldProblem, InputError, NotFoundError, UnavailableError
from slipway.features.cache import Output, PredictionCache, cache_key
from slipway.features.definitions import FeatureDefinitions
from slipway.features.store import FeatureKey, FeatureRow, FeatureStore
from slipway.models.manifest import Manifest, Record
from slipway.models.schema import RequestRecord, record_model
from slipway.monitoring import metrics
from slipway.monitoring.capture import capture_line, is_sampled
from slipway.monitoring.prediction_ids import new_random
from slipway.monitoring.telemetry import RequestEvent
from slipway.releases.assignment import assign
from slipway.releases.release import Release, configured_releases
from slipway.serving.reading import RecordReader

ModelVersion = tuple[str, int]


class Predicts(Protocol):
    """A loaded version: what `slipway.models.predictor.Predictor` is."""

    @property
    def manifest(self) -> Manifest: ...

    def predict(self, records: Sequence[Record]) -> list[dict[str, Any]]: ...


Models = Mapping[ModelVersion, Predicts]
Load = Callable[[str, int], Predicts]


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer to one record."""

    id: str
    version: int
    output: Output
    cached: bool = False


@dataclass(frozen=True, slots=True)
class ServedVersion:
    """A loaded version with what reads its records."""

    predictor: Predicts
    reader: RecordReader


@dataclass(slots=True)
class _Slot:
    """The place of one record on its way through a request."""

    record: Record
    id: str
    version: int
    output: Output | None = None
    cached: bool = False


class PredictionService:
    """Answers prediction requests.

    Args:
        config: slipway.yaml.
        models: the loaded versions, by name and number. A model of which none is loaded is listed and not served: it is
            of the other tier, or has another container.
        load: loads a version of ``config`` that is not among ``models``, since the registry did not give it at the start.
        store: needed where a model has inputs from feature groups.
        cache: needed where a model has its cache on.
    """

    def __init__(
        self,
        config: Config,
        models: Models,
        *,
        load: Load | None = None,
        store: FeatureStore | None = None,
        cache: PredictionCache | None = None,
    ) -> None:
        self.config = config
        self.releases: Mapping[str, Release] = configured_releases(config)
        self._definitions = FeatureDefinitions(config.features)
        self._defaults = {group: self._definitions.defaults(group) for group in config.features}
        self._load = load
        self._store = store
        self._cache = cache
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

    def is_loaded(self, name: str) -> bool:
        """Whether this process serves any version of a model."""
        return any(model == name for model, _ in self._versions)

    def version(self, model: str, version: int | None) -> ServedVersion:
        """The version that is named, or the stable one; raises NotFoundError, and UnavailableError for one to load."""
        versions = self.model(model).versions
        number = self.releases[model].stable if version is None else version
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
    ) -> list[Prediction]:
        """Predictions in the order of the records.

        Args:
            model: the model's name.
            version: the version that the caller addresses, or None for what the release assigns.
            read: takes the records from the request, with the reader of the version whose schema counts.
            event: what happened is noted here.
            request_id: goes into captures.

        Raises:
            InputError: some record is wrong; nothing was predicted.
            NotFoundError: there is no such model or version.
            UnavailableError: features are needed, and the store is down.
            PredictionError: the version failed.
        """
        event.model = metrics.UNKNOWN_MODEL
        served = self.version(model, version)
        event.model = model
        records = self._complete(read(served.reader), event)
        slots = [self._slot(model, version, record) for record in records]
        policy = self.config.models[model]
        if policy.cache.enabled and self._cache is not None:
            self._predict_cached(model, slots, self._cache, policy.cache.ttl_days, event)
        else:
            self._infer(model, slots, event)
        if is_sampled(policy.capture.sample):
            event.captures.extend(_captures(model, slots, request_id))
        return [Prediction(slot.id, slot.version, slot.output or {}, slot.cached) for slot in slots]

    def _complete(self, requested: list[RequestRecord], event: RequestEvent) -> list[Record]:
        needs = [record.to_fetch() for record in requested]
        rows = self._fetch(needs, event) if any(needs) else {}
        records: list[Record] = []
        problems: list[FieldProblem] = []
        for number, (record, need) in enumerate(zip(requested, needs, strict=True)):
            stored = {group: self._values(group, rows.get(self._key(group, id))) for group, id in need.items()}
            try:
                records.append(record.complete(stored, prefix=f"inputs[{number}]"))
            except InputError as error:
                problems.extend(error.problems)
        if problems:
            raise InputError(problems)
        return records

    def _fetch(self, needs: list[dict[str, str]], event: RequestEvent) -> dict[FeatureKey, FeatureRow]:
        """The rows that the records need, all in one call of the store."""
        keys = list(dict.fromkeys(self._key(group, id) for need in needs for group, id in need.items()))
        if self._store is None:
            raise UnavailableError("feature store", "this deployment has none")
        rows = self._store.read(keys)
        event.count(metrics.FEATURE_HITS, len(rows))
        event.count(metrics.FEATURE_MISSES, len(keys) - len(rows))
        return rows

    def _key(self, group: str, id: str) -> FeatureKey:
        return FeatureKey(self._definitions.entities[group], id, group)

    def _values(self, group: str, row: FeatureRow | None) -> Mapping[str, FeatureValue]:
        return self._defaults[group] if row is None else {**self._defaults[group], **row.values}

    def _slot(self, model: str, version: int | None, record: Record) -> _Slot:
        random = new_random()
        assigned = assign(self.releases[model], random) if version is None else version
        return _Slot(record, f"{model}.{assigned}.{random}", assigned)

    def _infer(self, model: str, slots: list[_Slot], event: RequestEvent) -> None:
        """Predict what has no output yet, one batch for each version."""
        batches: dict[int, list[_Slot]] = {}
        for slot in slots:
            if slot.output is None:
                batches.setdefault(slot.version, []).append(slot)
        for version, batch in batches.items():
            started = time.perf_counter()
            outputs = self.version(model, version).predictor.predict([slot.record for slot in batch])
            milliseconds = round((time.perf_counter() - started) * 1000, 3)
            event.count(metrics.PREDICTIONS, len(batch), Version=str(version))
            event.count(metrics.INFERENCE_LATENCY, milliseconds, Version=str(version))
            for slot, output in zip(batch, outputs, strict=True):
                slot.output = output

    def _predict_cached(
        self, model: str, slots: list[_Slot], cache: PredictionCache, ttl_days: int, event: RequestEvent
    ) -> None:
        keys = [cache_key(model, slot.version, slot.record) for slot in slots]
        found = _look_up(cache, keys, event)
        for slot, key in zip(slots, keys, strict=True):
            slot.output = found.get(key)
            slot.cached = key in found
        self._infer(model, slots, event)
        made = {key: slot.output for slot, key in zip(slots, keys, strict=True) if slot.output and not slot.cached}
        event.count(metrics.CACHE_HITS, sum(slot.cached for slot in slots))
        event.count(metrics.CACHE_MISSES, sum(not slot.cached for slot in slots))
        try:
            cache.put(made, timedelta(days=ttl_days))
        except UnavailableError:
            event.count(metrics.CACHE_ERRORS)


def _look_up(cache: PredictionCache, keys: list[str], event: RequestEvent) -> Mapping[str, Output]:
    """What is cached; nothing where the cache is down, since a prediction can be made without it."""
    try:
        return cache.get(dict.fromkeys(keys))
    except UnavailableError:
        event.count(metrics.CACHE_ERRORS)
        return {}


def _captures(model: str, slots: list[_Slot], request_id: str) -> list[str]:
    now = int(time.time() * 1000)
    return [
        capture_line(
            prediction_id=slot.id,
            model=model,
            version=slot.version,
            time_ms=now,
            request_id=request_id,
            inputs=slot.record,
            outputs=slot.output or {},
        )
        for slot in slots
    ]
