"""Tells which release serves each model, from slipway.yaml or from the control table."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from slipway.config import Config
from slipway.errors import UnavailableError
from slipway.releases.routing.release import Release, configured_releases
from slipway.releases.routing.segments import Segmenting
from slipway.releases.routing.serving import Serving, ServingStore

_LOG = logging.getLogger("slipway")
# A rollback must take effect on every warm process within 15 seconds; most of that is left for people.
FRESH_SECONDS = 5.0


class Releases(Protocol):
    """The releases of the models in slipway.yaml."""

    def of(self, model: str) -> Release:
        """Return the release that serves a model now; raises KeyError for a model that is not in slipway.yaml."""
        ...

    def is_watched(self, model: str) -> bool:
        """Whether the outputs of the model's versions are being compared."""
        ...

    def captured(self, model: str) -> float:
        """Return the share of the model's requests to capture."""
        ...

    def known(self, model: str) -> Serving | None:
        """Return a model's latest release, or None if it never had one."""
        ...

    def segmenting(self, model: str) -> Segmenting | None:
        """Return how to count the model's requests by segment, or None if nobody asked for it."""
        ...

    def sticky(self, model: str) -> str | None:
        """Return the field or entity by whose value the model's active release counts, or None."""
        ...


class ConfiguredReleases:
    """`Releases` that never change; ``watched`` says whether outputs are counted."""

    def __init__(self, config: Config, *, watched: bool = False) -> None:
        self._config = config
        self._releases = configured_releases(config)
        self._watched = watched

    def of(self, model: str) -> Release:
        return self._releases[model]

    def is_watched(self, model: str) -> bool:  # noqa: ARG002 - as `Releases` has it
        return self._watched

    def captured(self, model: str) -> float:
        return self._config.models[model].capture.sample

    def known(self, model: str) -> None:  # noqa: ARG002 - as `Releases` has it
        return None

    def segmenting(self, model: str) -> None:  # noqa: ARG002 - as `Releases` has it
        return None

    def sticky(self, model: str) -> None:  # noqa: ARG002 - as `Releases` has it
        return None


class LiveReleases:
    """`Releases` from a table, read again when a request finds the copy older than `FRESH_SECONDS`.

    While the table is down, the last copy applies, or slipway.yaml if there is none. The age is measured by the wall
    clock, because a frozen process may resume days later.
    """

    def __init__(self, config: Config, store: ServingStore, *, clock: Callable[[], float] = time.time) -> None:
        self._config = config
        self._store = store
        self._clock = clock
        self._read_at: float | None = None
        self._releases: dict[str, Release] = configured_releases(config)
        self._known: Mapping[str, Serving] = {}

    def of(self, model: str) -> Release:
        self._refresh()
        return self._releases[model]

    def is_watched(self, model: str) -> bool:
        known = self._known.get(model)
        # The function that scores shadows counts their outputs and the stable version's.
        return known is not None and known.active and known.shadowing is None

    def captured(self, model: str) -> float:
        """Return the share in slipway.yaml, or the shadows' share if that is higher."""
        configured, known = self._config.models[model].capture.sample, self._known.get(model)
        return max(configured, known.shadowing.sample) if known and known.shadowing else configured

    def known(self, model: str) -> Serving | None:
        self._refresh()
        return self._known.get(model)

    def segmenting(self, model: str) -> Segmenting | None:
        known = self._known.get(model)
        return known.segmenting if known is not None else None

    def sticky(self, model: str) -> str | None:
        return self.of(model).sticky

    def _refresh(self) -> None:
        now = self._clock()
        # A copy must not seem fresh because the clock was set back.
        if self._read_at is not None and 0 <= now - self._read_at < FRESH_SECONDS:
            return
        self._read_at = now
        try:
            self._known = self._store.serving(self._config.models)
        except UnavailableError as error:
            _LOG.error("the releases of %s seconds ago stay: %s", int(FRESH_SECONDS), error)
            return
        for model, serving in self._known.items():
            self._releases[model] = self._servable(model, serving.release)

    def _servable(self, model: str, release: Release) -> Release:
        """Return a release without versions unknown to this process's deployment; other processes may know them."""
        config = self._config.models[model]
        if not config.may_have(release.stable):
            _LOG.error("version %s of %s is the stable one and not in slipway.yaml", release.stable, model)
            return configured_releases(self._config)[model]
        there = tuple(each for each in release.candidates if config.may_have(each.version))
        return Release(model, release.stable, there, release.strategy, release.salt, release.sticky)
