"""A slot's view of its model's release: the slot serves its one version, and forwards records by the release."""

import logging
import time
from collections.abc import Callable
from threading import Lock

from slipway.config import Config
from slipway.errors import UnavailableError
from slipway.releases.routing.release import Release
from slipway.releases.routing.segments import Segmenting
from slipway.releases.routing.serving import Serving, ServingStore
from slipway.serving.prediction.live_releases import FRESH_SECONDS

_LOG = logging.getLogger("slipway")
# In a sticky release, slots forward records to the candidate even when the load balancer no longer does. After a
# rollback that must end at once, and reading one item a second costs less than a dollar a month.
_STICKY_FRESH_SECONDS = 1.0


class SlotReleases:
    """`Releases` of a slot's one version.

    `Housekeeping` reads the release, so that no request waits for it. While the table is down, the last copy applies.
    Outputs are always counted, because a few more metrics cost little compared with a task.
    """

    def __init__(
        self,
        config: Config,
        model: str,
        version: int,
        store: ServingStore | None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.version = version
        self._sample = config.models[model].capture.sample
        self._model = model
        self._own = Release(model, version)
        self._store = store
        self._clock = clock
        self._read_at: float | None = None
        self._known: Serving | None = None
        self._reading = Lock()

    def of(self, model: str) -> Release:  # noqa: ARG002 - a slot has one
        return self._own

    def is_watched(self, model: str) -> bool:  # noqa: ARG002 - a slot has one
        return True

    def captured(self, model: str) -> float:  # noqa: ARG002 - a slot has one
        """Return the share in slipway.yaml, or the shadows' share if that is higher."""
        known = self._known
        return max(self._sample, known.shadowing.sample) if known and known.shadowing else self._sample

    def known(self, model: str) -> Serving | None:  # noqa: ARG002 - a slot has one
        return self._known

    def is_comparing(self) -> bool:
        """Whether a release is comparing this slot with the other one."""
        known = self._known
        return known is not None and known.active and known.shadowing is None

    def segmenting(self, model: str) -> Segmenting | None:  # noqa: ARG002 - a slot has one
        return self._known.segmenting if self._known is not None else None

    def sticky(self, model: str) -> str | None:  # noqa: ARG002 - a slot has one
        return self._known.release.sticky if self._known else None

    def claim_refresh(self) -> bool:
        """Return True once when the copy becomes stale; the caller must then `refresh` it."""
        now = self._clock()
        known = self._known
        fresh = _STICKY_FRESH_SECONDS if known and known.release.sticky else FRESH_SECONDS
        due = self._store is not None and (self._read_at is None or now - self._read_at >= fresh)
        if due:
            self._read_at = now
        return due

    def refresh(self) -> None:
        """Read the release, blocking on the table. Does nothing during another read, so that reads apply in order."""
        if self._store is None or not self._reading.acquire(blocking=False):
            return
        try:
            self._known = self._store.serving([self._model]).get(self._model)
        except UnavailableError as error:
            _LOG.error("the last copy of the release stays: %s", error)
        finally:
            self._reading.release()
