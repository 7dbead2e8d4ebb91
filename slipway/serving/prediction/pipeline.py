"""The steps of a prediction in every protocol and tier: features, assignment, cache, and graphs by version."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from functools import partial

from slipway.errors import (
    ExpiredError,
    OverloadedError,
    PredictionError,
    ThrottledError,
    UnavailableError,
)
from slipway.features.cache import Output, PredictionCache, cache_key
from slipway.features.precomputed import PrecomputedStore
from slipway.features.store import FeatureStore
from slipway.monitoring.feedback.key_ring import IdSigner, OwnKeys
from slipway.monitoring.telemetry import metrics
from slipway.releases.routing.segments import Segmenting
from slipway.serving.prediction.ahead import Ahead
from slipway.serving.prediction.capturing import Capturing
from slipway.serving.prediction.completing import Completing
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
from slipway.serving.prediction.version_statistics import Statistics

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
        precomputed: required if a model has precomputed answers.
        attempt: counts a batch of a version in a release while its context runs, because one that hangs records nothing
            afterwards; takes the model, the version and when the request began.
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
        precomputed: PrecomputedStore | None = None,
        attempt: Attempt = _uncounted,
        peers: Peers | None = None,
        ids: IdSigner | None = None,
    ) -> None:
        self.models = models
        self._runner = runner or InlineRunner(models)
        self._completing = Completing(models.definitions, store)
        self._ahead = Ahead(models.config.models, precomputed)
        self._cache = cache
        self._attempt = attempt
        self._peers = peers or NoPeers()
        self._ids = ids or IdSigner(OwnKeys())
        self._capturing = Capturing(models, self._ids)
        self._by_record = ByRecord(models.releases)

    @property
    def statistics(self) -> Statistics:
        """What this process has done since it started."""
        return self._runner.statistics

    async def predict(self, ask: Ask, context: RequestContext) -> list[Prediction]:
        """Return predictions in the order of the records, and record telemetry in the context's event.

        Raises:
            InputError: a record is invalid; nothing was predicted.
            NotFoundError: the model or version does not exist.
            UnavailableError: the feature store is needed and down, a version cannot be loaded, or the queue is full.
            ThrottledError: the queue is full, and the caller holds its share of it.
            PredictionError: the version failed.
        """
        started = time.perf_counter()
        request = self._begin(ask, context, started)
        self._peers.reassign(request)
        if self._ahead.is_asked(request):
            await self._runner.wait_for(partial(self._ahead.answer, request))
        await self._complete(request)
        cached = self._is_cached(ask.model)
        if cached and request.open_places():
            await self._runner.wait_for(partial(self._look_up, request))
        await self._infer(request)
        if misfits := request.placing.misfits(request):
            stable = self.models.releases.of(request.model).stable
            for place in misfits:
                place.move(stable)
            await self._complete(request)
            await self._infer(request)
        if cached:
            self._runner.write_behind(partial(self._remember, request), request.event)
        if self._ids.claim_refresh():
            await self._runner.wait_for(self._ids.refresh)
        return self._finish(request)

    def _begin(self, ask: Ask, context: RequestContext, started: float) -> PredictionRequest:
        """Validate the request, and assign each record an id and a version."""
        context.event.model = metrics.UNKNOWN_MODEL
        served = self.models.version(ask.model, ask.version)
        context.event.model = ask.model
        records = ask.read(served.reader)
        needs = [record.to_fetch() for record in records]
        placing = ask.placing or self._by_record
        deadline = self._runner.deadline()
        request = PredictionRequest(
            ask.model, ask.version, context, records, needs, placing, deadline=deadline, started=started
        )
        request.places = placing.place(request)
        return request

    async def _complete(self, request: PredictionRequest) -> None:
        """Complete the records without an output with features, in one call to the store."""
        keys = self._completing.missing(request)
        rows = await self._runner.wait_for(partial(self._completing.fetch, request, keys)) if keys else {}
        self._completing.complete(request, rows)

    async def _infer(self, request: PredictionRequest) -> None:
        """Predict every record without an output, here or in another slot."""
        own = await self._peers.predict(request, request.open_places(), partial(self._infer_here, request))
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
            self.statistics.ran(request, version, answered)

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
            self.statistics.failed(request, version)
            raise
        except Exception:
            self.statistics.failed(request, version)
            request.event.count(metrics.FAILURES, 1, **batch[0].counted_for)
            if segmenting := self.models.releases.segmenting(request.model):
                count_failed(request, batch, segmenting)
            raise

    def _attempt_of(self, request: PredictionRequest, version: int) -> AbstractContextManager[None]:
        # Of the stable version too: a request that kills any process must not count against the candidate alone.
        if self.models.releases.is_watched(request.model):
            return self._attempt(request.model, version, request.event.began)
        return nullcontext()

    def _is_cached(self, model: str) -> bool:
        return self._cache is not None and self.models.config.models[model].cache.enabled

    def _look_up(self, request: PredictionRequest) -> None:
        """Take outputs from the cache. A cache that is down counts as empty, because predictions do not need it."""
        started = time.perf_counter()
        places = request.open_places()
        for place in places:
            place.key = cache_key(request.model, place.version, place.record)
        found = self._found(request, [place.key for place in places])
        for place in places:
            place.output = found.get(place.key)
            place.cached = place.output is not None
        hits = sum(place.cached for place in places)
        request.event.count(metrics.CACHE_HITS, hits)
        request.event.count(metrics.CACHE_MISSES, len(places) - hits)
        self.statistics.found_in_cache(request, time.perf_counter() - started)

    def _found(self, request: PredictionRequest, keys: list[str]) -> Mapping[str, Output]:
        try:
            return self._cache.get(dict.fromkeys(keys)) if self._cache is not None else {}
        except UnavailableError:
            request.event.count(metrics.CACHE_ERRORS)
            return {}

    def _remember(self, request: PredictionRequest) -> bool:
        """Put new outputs into the cache; return False if it is down."""
        missed = [place for place in request.places if place.key and not (place.cached or place.elsewhere)]
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
        self.statistics.answered(request)
        return [place.prediction() for place in request.places]


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
