"""The steps of a prediction in every protocol and tier: features, assignment, cache, and graphs by version."""

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from functools import partial

from slipway.config import FeatureValue
from slipway.errors import (
    ExpiredError,
    FieldProblem,
    InputError,
    OverloadedError,
    PredictionError,
    ThrottledError,
    UnavailableError,
)
from slipway.features.cache import Output, PredictionCache, cache_key
from slipway.features.store import FeatureKey, FeatureRow, FeatureStore
from slipway.models.manifest import Record
from slipway.monitoring.feedback.key_ring import IdSigner, OwnKeys
from slipway.monitoring.telemetry import metrics
from slipway.releases.routing.segments import Segmenting
from slipway.serving.prediction.capturing import Capturing
from slipway.serving.prediction.peers import NoPeers, Peers
from slipway.serving.prediction.request import (
    Ask,
    ByRecord,
    Place,
    Prediction,
    PredictionRequest,
    RequestContext,
    count_outputs,
)
from slipway.serving.prediction.runner import Answered, ClientGoneError, InlineRunner, Runner
from slipway.serving.prediction.segments import count_answered, count_failed
from slipway.serving.prediction.served import ServedModels

_LOG = logging.getLogger("slipway")

Attempt = Callable[[str, int, float], AbstractContextManager[None]]


def _uncounted(model: str, version: int, began: float) -> AbstractContextManager[None]:  # noqa: ARG001 - as `Attempt` has it
    """Run an attempt without counting it."""
    return nullcontext()


class PredictionPipeline:
    """Answers prediction requests.

    Args:
        models: the loaded versions.
        runner: runs the blocking steps; by default in place.
        store: required if a model has inputs from feature groups.
        cache: required if a model's cache is on.
        attempt: counts a candidate's batch while its context runs, because one that hangs records nothing afterwards;
            takes the model, the version and when the request began.
        peers: predict the records that a sticky release assigns to another slot.
        ids: signs the predictions' ids; by default with a key of this process.
    """

    def __init__(
        self,
        models: ServedModels,
        runner: Runner | None = None,
        *,
        store: FeatureStore | None = None,
        cache: PredictionCache | None = None,
        attempt: Attempt = _uncounted,
        peers: Peers | None = None,
        ids: IdSigner | None = None,
    ) -> None:
        self.models = models
        self._runner = runner or InlineRunner(models)
        self._defaults = {group: models.definitions.defaults(group) for group in models.config.features}
        self._store = store
        self._cache = cache
        self._attempt = attempt
        self._peers = peers or NoPeers()
        self._ids = ids or IdSigner(OwnKeys())
        self._capturing = Capturing(models, self._ids)
        self._by_record = ByRecord(models.releases)

    async def predict(self, ask: Ask, context: RequestContext) -> list[Prediction]:
        """Return predictions in the order of the records, and record telemetry in the context's event.

        Raises:
            InputError: a record is invalid; nothing was predicted.
            NotFoundError: the model or version does not exist.
            UnavailableError: the feature store is needed and down, a version cannot be loaded, or the queue is full.
            ThrottledError: the queue is full, and the caller holds its share of it.
            PredictionError: the version failed.
        """
        request = self._begin(ask, context)
        rows = await self._runner.wait_for(partial(self._fetch, request)) if request.missing else {}
        self._assign(request, rows)
        self._peers.reassign(request)
        cached = self._is_cached(ask.model)
        if cached:
            await self._runner.wait_for(partial(self._look_up, request))
        await self._infer(request)
        if cached:
            self._runner.write_behind(partial(self._remember, request), request.event)
        if self._ids.claim_refresh():
            await self._runner.wait_for(self._ids.refresh)
        return self._finish(request)

    def _begin(self, ask: Ask, context: RequestContext) -> PredictionRequest:
        """Validate the request, and find the features that it needs from the store."""
        context.event.model = metrics.UNKNOWN_MODEL
        served = self.models.version(ask.model, ask.version)
        context.event.model = ask.model
        records = ask.read(served.reader)
        needs = [record.to_fetch() for record in records]
        missing = list(dict.fromkeys(self._key(group, id) for need in needs for group, id in need.items()))
        placing = ask.placing or self._by_record
        deadline = self._runner.deadline()
        return PredictionRequest(ask.model, ask.version, context, records, needs, missing, placing, deadline=deadline)

    def _fetch(self, request: PredictionRequest) -> Mapping[FeatureKey, FeatureRow]:
        """Fetch the rows that the records need in one call to the store."""
        if self._store is None:
            raise UnavailableError("feature store", "this deployment has none")
        rows = self._store.read(request.missing)
        request.event.count(metrics.FEATURE_HITS, len(rows))
        request.event.count(metrics.FEATURE_MISSES, len(request.missing) - len(rows))
        return rows

    def _assign(self, request: PredictionRequest, rows: Mapping[FeatureKey, FeatureRow]) -> None:
        """Complete the records with their features, and assign each an id and a version."""
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
        return FeatureKey(self.models.definitions.entities[group], id, group)

    def _values(self, group: str, row: FeatureRow | None) -> Mapping[str, FeatureValue]:
        return self._defaults[group] if row is None else {**self._defaults[group], **row.values}

    async def _infer(self, request: PredictionRequest) -> None:
        """Predict every record without an output, here or in another slot."""
        open_places = [place for place in request.places if place.output is None]
        own = await self._peers.predict(request, open_places, partial(self._infer_here, request))
        await self._infer_here(request, own)

    async def _infer_here(self, request: PredictionRequest, places: Iterable[Place]) -> None:
        """Predict one batch per version."""
        batches: dict[int, list[Place]] = {}
        for place in places:
            batches.setdefault(place.version, []).append(place)
        for version, batch in batches.items():
            try:
                answered = await self._run(request, version, batch)
            except (PredictionError, UnavailableError) as error:
                if not request.placing.drop_version(request, version):
                    raise
                _LOG.warning("a request goes on without version %s of %s: %s", version, request.model, error)
                continue
            _note(request, batch, answered)

    async def _run(self, request: PredictionRequest, version: int, batch: list[Place]) -> Answered:
        """Run a batch on one version. The version's failures are counted for it; those of the queue are not."""
        try:
            with self._attempt_of(request, version):
                return await self._runner.run(request, version, [place.record for place in batch])
        except OverloadedError:
            request.event.count(metrics.REJECTED)
            raise
        except ThrottledError:
            raise
        except (ExpiredError, ClientGoneError):
            request.event.count(metrics.EXPIRED)
            raise
        except Exception:
            request.event.count(metrics.FAILURES, 1, **batch[0].counted_for)
            if segmenting := self.models.releases.segmenting(request.model):
                count_failed(request, batch, segmenting)
            raise

    def _attempt_of(self, request: PredictionRequest, version: int) -> AbstractContextManager[None]:
        model, releases = request.model, self.models.releases
        if version != releases.of(model).stable and releases.is_watched(model):
            return self._attempt(model, version, request.event.began)
        return nullcontext()

    def _is_cached(self, model: str) -> bool:
        return self._cache is not None and self.models.config.models[model].cache.enabled

    def _look_up(self, request: PredictionRequest) -> None:
        """Take outputs from the cache. A cache that is down counts as empty, because predictions do not need it."""
        for place in request.places:
            place.key = cache_key(request.model, place.version, place.record)
        found = self._found(request)
        for place in request.places:
            place.output = found.get(place.key)
            place.cached = place.output is not None
        hits = sum(place.cached for place in request.places)
        request.event.count(metrics.CACHE_HITS, hits)
        request.event.count(metrics.CACHE_MISSES, len(request.places) - hits)

    def _found(self, request: PredictionRequest) -> Mapping[str, Output]:
        try:
            keys = dict.fromkeys(place.key for place in request.places)
            return self._cache.get(keys) if self._cache is not None else {}
        except UnavailableError:
            request.event.count(metrics.CACHE_ERRORS)
            return {}

    def _remember(self, request: PredictionRequest) -> bool:
        """Put new outputs into the cache; return False if it is down."""
        missed = [place for place in request.places if not (place.cached or place.elsewhere)]
        made = {place.key: place.output for place in missed if place.output}
        try:
            if self._cache is not None:
                self._cache.put(made, timedelta(days=self.models.config.models[request.model].cache.ttl_days))
        except UnavailableError:
            return False
        return True

    def _finish(self, request: PredictionRequest) -> list[Prediction]:
        """Sign the ids, capture a sample of the requests, and return the answers in the order of the records."""
        for place in request.places:
            place.id = self._ids.sign(place.id)
        releases = self.models.releases
        request.event.captures.extend(self._capturing.lines(request))
        if releases.is_watched(request.model):
            request.event.later = partial(_count, request, releases.segmenting(request.model))
        return [Prediction(place.id, place.version, place.output or {}, place.cached) for place in request.places]


def _count(request: PredictionRequest, segmenting: Segmenting | None) -> None:
    """Count the outputs of an answered request, in all and by segment."""
    count_outputs(request)
    if segmenting is not None:
        count_answered(request, segmenting)


def _note(request: PredictionRequest, batch: list[Place], answered: Answered) -> None:
    """Set the outputs of one version, and record how long they took."""
    event, counted_for = request.event, batch[0].counted_for
    if answered.queued is not None:
        event.count(metrics.QUEUE_TIME, round(answered.queued * 1000, 3))
    event.count(metrics.PREDICTIONS, len(batch), **counted_for)
    event.count(metrics.INFERENCE_LATENCY, round(answered.ran * 1000, 3), **counted_for)
    for place, output in zip(batch, answered.outputs, strict=True):
        place.output = output
        place.milliseconds = answered.ran * 1000
