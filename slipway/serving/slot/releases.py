"""What a slot knows of releases: it has one version whatever they say, and passes records on by what they say."""

import logging
import time
from collections.abc import Callable
from threading import Lock

from slipway.config import Config
from slipway.errors import UnavailableError
from slipway.releases.routing.release import Release
from slipway.releases.routing.serving import Serving, ServingStore
from slipway.serving.prediction.live_releases import FRESH_SECONDS

_LOG = logging.getLogger("slipway")
# By a sticky release this slot sends records to the candidate that the load balancer no longer does: after a rollback
# that is to end at once, and a read of one item a second costs less than a dollar a month.
_STICKY_FRESH_SECONDS = 1.0


class SlotReleases:
    """`Releases` of the one version that a slot has.

    The release is read by whoever looks after the slot, so that no request waits for it. While the table is down, the
    last copy holds. Outputs are always counted: a few more metrics cost little beside a task.
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
        """As slipway.yaml has it, or more while shadows need more."""
        known = self._known
        return max(self._sample, known.shadowing.sample) if known and known.shadowing else self._sample

    def known(self, model: str) -> Serving | None:  # noqa: ARG002 - a slot has one
        return self._known

    def claim_refresh(self) -> bool:
        """Whether the copy is so old that the caller is to `refresh` it now; True once for each age."""
        now = self._clock()
        known = self._known
        fresh = _STICKY_FRESH_SECONDS if known and known.release.sticky else FRESH_SECONDS
        due = self._store is not None and (self._read_at is None or now - self._read_at >= fresh)
        if due:
            self._read_at = now
        return due

    def refresh(self) -> None:
        """Read it again; this waits for the table, unless a read is on its way: an answer must not undo a later one."""
        if self._store is None or not self._reading.acquire(blocking=False):
            return
        try:
            self._known = self._store.serving([self._model]).get(self._model)
        except UnavailableError as error:
            _LOG.error("the last copy of the release stays: %s", error)
        finally:
            self._reading.release()
