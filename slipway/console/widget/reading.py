"""Reads what the widget's pictures show: profiles, the monitor's state, labels, and the weights of releases."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from slipway.config import Config
from slipway.console.charts import Chart
from slipway.console.pictures.accuracy import over_time
from slipway.console.pictures.drift import effects
from slipway.console.pictures.weights import ModelWeights, weights
from slipway.console.widget.asked import Asked, Picture
from slipway.errors import InputError, NotFoundError
from slipway.models.package import Package
from slipway.monitoring.accuracy.limits import AccuracyLimits
from slipway.monitoring.accuracy.normal import BucketNormals
from slipway.monitoring.accuracy.score_sums import SegmentGroups
from slipway.monitoring.accuracy.summary import summarize
from slipway.monitoring.captures.bucket import ObjectBucket
from slipway.monitoring.drift.references import ReferenceReader
from slipway.monitoring.drift.report import lines_of_window
from slipway.monitoring.drift.state import DriftState, load_state
from slipway.monitoring.drift.step import NAME as DRIFT
from slipway.monitoring.profiles.bins import bins_digest, bins_of
from slipway.monitoring.profiles.profile import Profile, added
from slipway.monitoring.profiles.store import BucketProfiles
from slipway.monitoring.state import StateStore, version_state
from slipway.monitoring.steps import LabelledReader
from slipway.releases.routing.serving import Serving, ServingStore
from slipway.releases.routing.serving_table import stable_of
from slipway.wording import counted

_MINUTES = 60


@dataclass(frozen=True)
class Sources:
    """Where pictures are read from; ``packages`` gives the measurements of a version."""

    config: Config
    bucket: ObjectBucket
    references: ReferenceReader
    labels: LabelledReader
    releases: ServingStore
    packages: Callable[[str, int], Package]


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture with the line above it, which says of what it is."""

    heading: str
    chart: Chart


def read_picture(asked: Asked, sources: Sources, now: datetime) -> Shown:
    """The picture that is asked for.

    Raises:
        InputError: the time range is none, or a picture of one model names none.
        NotFoundError: there is no such model or version, or nothing is known of it yet.
        UnavailableError: a store cannot be reached.
    """
    if asked.picture is Picture.WEIGHTS:
        return _weights(asked, sources)
    model = _captured(asked, sources.config)
    version = asked.version or stable_of(sources.releases, sources.config, model)
    if asked.picture is Picture.DRIFT:
        return _drift(model, version, sources)
    return _accuracy(model, version, sources, *asked.window(now))


def _captured(asked: Asked, config: Config) -> str:
    if asked.model is None:
        raise InputError.of("model", f"is required for {asked.picture.value}")
    if asked.model not in config.captured_models:
        raise NotFoundError("captured model", asked.model, config.captured_models)
    return asked.model


def _drift(model: str, version: int, sources: Sources) -> Shown:
    """The window that the monitor's alarms look at, whatever the dashboard's time range is."""
    stored = StateStore(sources.bucket).read(version_state(model, version, DRIFT))
    state = load_state(stored and stored.get("state"))
    if not state.window:
        raise NotFoundError("period of", f"{model} {version} that the monitor has looked at")
    package = sources.packages(model, version)
    config, bins = sources.config.drift_of(model), bins_of(package.manifest, package.baseline)
    if state.bins != bins_digest(bins):
        raise NotFoundError("period of", f"{model} {version} that was counted into the bins of its package")
    lines = lines_of_window(
        bins,
        _profile(model, version, state),
        config,
        records=package.baseline.records,
        references=sources.references.read(model, version),
        state=state,
    )
    records = counted(sum(unit.records for unit in state.window), "record")
    return Shown(
        f"{model} {version}: {records} since {state.window[0].start:%Y-%m-%d %H:%M}", effects(lines, config.effect)
    )


def _profile(model: str, version: int, state: DriftState) -> Profile:
    """The units of the state's window as one profile."""
    counts: Mapping[str, tuple[int, ...]] = {}
    for unit in state.window:
        counts = added(counts, unit.counts)
    records = sum(unit.records for unit in state.window)
    return Profile(model, version, state.window[0].start, _MINUTES, state.bins, records, counts)


def _accuracy(model: str, version: int, sources: Sources, since: datetime, until: datetime) -> Shown:
    profiles = BucketProfiles(sources.bucket).read(model, version, since, until)
    own = [each for each in sources.labels.labelled(model, since, until) if each.version == version]
    limits = AccuracyLimits.of(sources.config, model)
    normal = BucketNormals(sources.bucket).read(model, version)
    found = summarize(sources.packages(model, version), profiles, own, limits, SegmentGroups((), {}), normal=normal)
    picture = over_time(found)
    if picture is None:
        raise NotFoundError(
            "accuracy of", f"{model} {version} between {since:%Y-%m-%d %H:%M} and {until:%Y-%m-%d %H:%M}"
        )
    heading = f"{model} {version}: {since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M}, UTC"
    return Shown(heading, picture)


def _weights(asked: Asked, sources: Sources) -> Shown:
    names = sorted(sources.config.models)
    if asked.model is not None:
        if asked.model not in names:
            raise NotFoundError("model", asked.model, names)
        names = [asked.model]
    serving = sources.releases.serving(names)
    shown = [_shares(name, serving.get(name), sources.config.models[name].stable) for name in names]
    active = [each.id for each in serving.values() if each.active]
    return Shown("Active: " + ", ".join(active) if active else "No release is active", weights(shown))


def _shares(model: str, serving: Serving | None, configured: int) -> ModelWeights:
    if serving is None:
        return ModelWeights(model, configured, {configured: 1.0})
    release = serving.release
    shares = {each.version: each.share for each in release.candidates if each.share > 0}
    return ModelWeights(model, release.stable, {release.stable: max(0.0, 1 - sum(shares.values())), **shares})
