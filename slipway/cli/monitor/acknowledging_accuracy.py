"""Change what the accuracy of a version is compared with."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from slipway.cli.monitor.watched import Watched
from slipway.errors import InputError
from slipway.models.measurements.calibration import Calibration
from slipway.monitoring.accuracy.evidence import Hour
from slipway.monitoring.accuracy.normal import BucketNormals, NormalAccuracy, normal_of
from slipway.monitoring.accuracy.score_sums import read_sums
from slipway.monitoring.accuracy.summary import summarize
from slipway.monitoring.profiles.store import BucketProfiles
from slipway.monitoring.state import StateStore, version_state


@dataclass(frozen=True, slots=True)
class Changed:
    """What is normal now for a version; None is the accuracy on its validation records."""

    model: str
    version: int
    normal: NormalAccuracy | None

    @property
    def sentence(self) -> str:
        """What was done, for people."""
        of, normal = f"{self.model} {self.version}", self.normal
        if normal is None:
            return f"{of} compares its accuracy with that on its validation records again."
        return f"{of} takes {described(normal)} as normal. The evidence starts anew."

    @property
    def document(self) -> dict[str, Any]:
        """The same as JSON."""
        normal = None if self.normal is None else self.normal.model_dump(mode="json")
        return {"model": self.model, "version": self.version, "accuracy": normal}


_SEEN = {
    "drawn": "by labels of drawn records",
    "estimated": "by scores",
    "feedback": "by labels of feedback",
}


def described(normal: NormalAccuracy) -> str:
    """The window and the figures of a normal accuracy, in words."""
    figures = ", ".join(f"{each.accuracy:.3f} {_SEEN[name]}" for name, each in sorted(normal.figures.items()))
    return f"its accuracy of {normal.start:%Y-%m-%d %H:%M} – {normal.end:%Y-%m-%d %H:%M} ({figures})"


def return_to_sealed(watched: Watched) -> Changed:
    """Compare with the validation records again; raises StaleError and UnavailableError."""
    model, version, normals = watched.model, watched.version, BucketNormals(watched.bucket)
    normals.write(model, version, None, before=normals.read(model, version))
    return Changed(watched.model, watched.version, None)


def acknowledge_accuracy(watched: Watched, *, since: datetime | None) -> Changed:
    """Take the accuracy since a moment as normal; by default, since the labels that raised the alarm.

    Raises:
        InputError: accuracy has not fallen, or nothing was captured since then.
        StaleError: somebody else has changed what is normal meanwhile.
        UnavailableError: the bucket or the table cannot be reached.
    """
    model, version, normals = watched.model, watched.version, BucketNormals(watched.bucket)
    before = normals.read(model, version)
    normal = proposed_normal(watched, since=since)
    normals.write(model, version, normal, before=before)
    return Changed(model, version, normal)


def proposed_normal(watched: Watched, *, since: datetime | None) -> NormalAccuracy:
    """The accuracy since a moment, as it would become normal; raises as `acknowledge_accuracy` does."""
    model, version, calibration = watched.model, watched.version, watched.package.calibration
    alarmed = alarm_of(watched, BucketNormals(watched.bucket).read(model, version))
    if calibration is None or alarmed is None:
        raise InputError.of("--accuracy", f"no alarm says that {model} {version} is less accurate than it was")
    start = since or alarmed - timedelta(hours=watched.limits.wait_hours)
    normal = _normal(watched, calibration, start)
    if normal is None:
        raise InputError.of("--window", f"nothing of {model} {version} was captured since {start:%Y-%m-%d %H:%M}")
    return normal


def alarm_of(watched: Watched, normal: NormalAccuracy | None) -> datetime | None:
    """The period in which accuracy was found to have fallen below what is normal now; None without an alarm."""
    stored = StateStore(watched.bucket).read(version_state(watched.model, watched.version, "accuracy")) or {}
    state = stored.get("state") or {}
    alarmed, against = state.get("alarmed"), state.get("normal", "")
    is_current = against == (normal.digest if normal else "")
    return datetime.fromisoformat(alarmed) if alarmed and is_current else None


def _normal(watched: Watched, calibration: Calibration, start: datetime) -> NormalAccuracy | None:
    model, version = watched.model, watched.version
    profiles = BucketProfiles(watched.bucket).read(model, version, start, watched.until)
    labelled = [each for each in watched.labels.labelled(model, start, watched.until) if each.version == version]
    found = summarize(watched.package, profiles, labelled, watched.limits, watched.groups(None))
    sums = read_sums(calibration, [profile.sums for profile in profiles])
    return normal_of(
        calibration,
        Hour(found.captures, sums.n, sums.total),
        labelled,
        found.corrected,
        start=start,
        end=watched.until,
        representative=watched.limits.representative,
    )
