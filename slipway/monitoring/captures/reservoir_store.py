"""Stores the reservoir beside the captures, and the step of the monitor that fills it."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from slipway.monitoring.captures.bucket import ObjectBucket
from slipway.monitoring.captures.reservoir import (
    FOLDER,
    DrawnCapture,
    Reservoir,
    pack_reservoir,
    reservoir_folder,
    reservoir_key,
    reservoir_of,
    unpack_reservoir,
)
from slipway.monitoring.steps import Findings, Period, State

_DAY = timedelta(days=1)


class BucketReservoir:
    """The reservoirs of all models, one object for each version and period.

    Every method raises UnavailableError if the bucket cannot be reached.
    """

    def __init__(self, bucket: ObjectBucket) -> None:
        self._bucket = bucket

    def write(self, model: str, version: int, start: datetime, reservoir: Reservoir) -> None:
        """Store the reservoir of a period in place of the one that it had."""
        self._bucket.put(reservoir_key(model, version, start.astimezone(UTC)), pack_reservoir(reservoir))

    def versions(self, model: str) -> list[int]:
        """The versions of a model that have a reservoir, in order."""
        prefix = f"{FOLDER}/model={model}/version="
        return sorted(int(folder.removeprefix(prefix).rstrip("/")) for folder in self._bucket.folders(prefix))

    def captures(
        self, model: str, since: datetime, until: datetime, *, version: int | None = None
    ) -> Iterator[DrawnCapture]:
        """Yield what was drawn of predictions made in [``since``, ``until``), by version and period."""
        for number in self.versions(model) if version is None else [version]:
            for drawn in self.periods(model, number, since, until):
                yield from (each for each in drawn if since <= each.made_at < until)

    def periods(self, model: str, version: int, since: datetime, until: datetime) -> Iterator[list[DrawnCapture]]:
        """Yield what was drawn of each period of a version in days of [``since``, ``until``), in order of time."""
        day = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        while day < until:
            for key in self._bucket.keys(reservoir_folder(model, version, day)):
                content = self._bucket.get(key)
                if content is not None:
                    yield unpack_reservoir(content)
            day += _DAY


class ReservoirStep:
    """Draws the reservoir of each closed period; captures that come later are not in it.

    Args:
        store: keeps the reservoirs.
        sizes: how many captures are kept of each version and period, by model.
    """

    name = "reservoir"

    def __init__(self, store: BucketReservoir, sizes: Mapping[str, int]) -> None:
        self._store = store
        self._sizes = sizes

    def after(self, state: State | None, period: Period) -> tuple[State, Findings]:
        """Write the reservoir of a period. Nothing depends on earlier ones, so the state stays empty."""
        profile = period.profile
        if (size := self._sizes.get(profile.model, 0)) > 0:
            reservoir = reservoir_of(period.captures(), size)
            self._store.write(profile.model, profile.version, profile.start, reservoir)
        return state or {}, Findings()
