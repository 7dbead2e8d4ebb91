"""The store of profiles, by model, version and period: an object of a few KB each, beside the captures."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Protocol

from slipway.monitoring.captures.bucket import ObjectBucket
from slipway.monitoring.captures.reading import minute_of
from slipway.monitoring.profiles.profile import Profile, dump_profile, load_profile

PROFILES = "profiles"
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


class ProfileStore(Protocol):
    """Reads and writes profiles. Every method raises UnavailableError if the store cannot be reached."""

    def read(self, model: str, version: int, since: datetime, until: datetime) -> list[Profile]:
        """The profiles whose periods begin in [``since``, ``until``), ordered by start."""
        ...

    def versions(self, model: str, since: datetime, until: datetime) -> list[int]:
        """The versions that have profiles which begin in [``since``, ``until``), in order."""
        ...

    def write(self, profile: Profile) -> None:
        """Store a profile in place of the one of its model, version and start."""
        ...


class BucketProfiles:
    """A `ProfileStore` in the bucket of captures, one object for each model, version and period."""

    def __init__(self, bucket: ObjectBucket) -> None:
        self._bucket = bucket

    def read(self, model: str, version: int, since: datetime, until: datetime) -> list[Profile]:
        keys = [key for key, start in self._starts(model, version, since, until)]
        found = ((key, self._bucket.get(key)) for key in keys)
        profiles = (load_profile(content, key) for key, content in found if content is not None)
        return sorted(profiles, key=lambda profile: profile.start)

    def versions(self, model: str, since: datetime, until: datetime) -> list[int]:
        prefix = f"{PROFILES}/model={model}/version="
        numbers = sorted(int(folder.removeprefix(prefix).rstrip("/")) for folder in self._bucket.folders(prefix))
        return [number for number in numbers if next(self._starts(model, number, since, until), None)]

    def write(self, profile: Profile) -> None:
        self._bucket.put(profile_key(profile), dump_profile(profile).encode(), content_type="application/json")

    def _starts(self, model: str, version: int, since: datetime, until: datetime) -> Iterator[tuple[str, datetime]]:
        """The keys and starts of a version's profiles in a window, listed by hour or, of long windows, by day."""
        folder = f"{PROFILES}/model={model}/version={version}"
        step, form = (_HOUR, "date=%Y-%m-%d/hour=%H/") if until - since < _DAY else (_DAY, "date=%Y-%m-%d/")
        at = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        at = at.replace(hour=0) if step is _DAY else at
        while at < until:
            for key in self._bucket.keys(f"{folder}/{at.strftime(form)}"):
                start = start_of(key)
                if since <= start < until:
                    yield key, start
            at += step


def profile_key(profile: Profile) -> str:
    """The key of a profile's object."""
    start = profile.start.astimezone(UTC)
    period = f"date={start:%Y-%m-%d}/hour={start:%H}/minute={minute_of(start)}"
    return f"{PROFILES}/model={profile.model}/version={profile.version}/{period}.json"


def start_of(key: str) -> datetime:
    """The start of the period that a profile's key names."""
    parts = dict(part.split("=", 1) for part in key.removesuffix(".json").split("/") if "=" in part)
    minute, _, second = parts["minute"].partition(".")
    moment = datetime.strptime(f"{parts['date']} {parts['hour']} {minute} {second or 0}", "%Y-%m-%d %H %M %S")
    return moment.replace(tzinfo=UTC)
