"""Turn a release request into a pending record, after checking it against the configuration."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from slipway.config import Config, ModelConfig
from slipway.config.releases.options import AllAtOnce, BlueGreen, JudgeConfig, Options, ReleaseConfig, Shadow, Strategy
from slipway.config.releases.segments import SegmentConfig
from slipway.config.validation import field_problems
from slipway.errors import ConflictError, FieldProblem, InputError, NotFoundError, near_name
from slipway.models.package import Package
from slipway.releases.evidence.accuracy import check_accuracy
from slipway.releases.evidence.segment_values import check_groups, name_segments
from slipway.releases.record.document import ReleaseRecord, new_record
from slipway.releases.record.plan import check_start
from slipway.releases.routing.segments import Segment
from slipway.releases.routing.sticky import check_sticky, sticky_of

_OPTIONS: TypeAdapter[Options] = TypeAdapter(Options)
_JUDGE = "judge."

Fields = Callable[[int], Collection[str]]
"""Returns the names of the fields that a request may send to a version of the model."""


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """A request for a release. ``changes`` overrides options by name; the judge's names start with ``judge.``.

    ``segments`` replaces those of slipway.yaml, unless it is None.
    """

    model: str
    candidates: tuple[int, ...]
    strategy: str | None
    changes: Mapping[str, str]
    by: str
    reason: str = ""
    segments: tuple[SegmentConfig, ...] | None = None


def start_record(
    config: Config,
    request: ReleaseRequest,
    *,
    stable: int,
    labels: Sequence[str],
    value_limits: Sequence[float] = (),
    target_limits: Mapping[str, tuple[float, ...]] | None = None,
    package: Package | None = None,
    fields: Fields,
    now: datetime,
) -> ReleaseRecord:
    """Check a request and create its record; ``fields`` is called only for sticky assignment.

    ``package`` is the stable version's, for the values of segments; None if it is not on this machine.

    Raises:
        InputError: an option is invalid, or the tier or the strategy does not support the request.
        NotFoundError: the model or the version does not exist.
    """
    model = config.models.get(request.model)
    if model is None:
        raise NotFoundError("model", request.model, config.models)
    options, judge = chosen(config, request)
    check_start(options, judge, tier=model.tier, stable=stable, candidates=request.candidates)
    check_accuracy(options, request.model, model, labels)
    if isinstance(options, Shadow):
        _check_shadow(request.model, model)
    check_versions(config, request.model, request.candidates)
    if sticky := sticky_of(options):
        check_sticky(sticky, request.model, {version: fields(version) for version in (stable, *request.candidates)})
    return new_record(
        model=request.model,
        tier=model.tier,
        stable=stable,
        candidates=request.candidates,
        options=options,
        judge=judge,
        labels=tuple(labels),
        value_limits=tuple(value_limits),
        target_limits=target_limits,
        cached=model.tier == "light" and model.cache.enabled,
        segments=_segments(request, model, options, package),
        now=now,
        by=request.by,
        reason=request.reason,
    )


def check_versions(config: Config, model: str, versions: Iterable[int]) -> None:
    """Raise NotFoundError for a version of a model that is not deployed, as `ModelConfig.may_have` tells."""
    known = config.models[model].versions
    for version in versions:
        if not config.models[model].may_have(version):
            raise NotFoundError(f"version of {model}", str(version), map(str, known), within="slipway.yaml")


def _segments(
    request: ReleaseRequest, model: ModelConfig, options: Options, package: Package | None
) -> tuple[Segment, ...]:
    if isinstance(options, AllAtOnce | BlueGreen | Shadow):
        if request.segments:
            problem = f"{options.strategy} has no candidate that answers beside the stable version"
            raise InputError.of("segments", f"{problem}, so there is nothing to compare by segment")
        return ()
    wanted = model.release.segments if request.segments is None else request.segments
    segments = name_segments(wanted, request.model, package)
    check_groups(segments, len(request.candidates) + 1)
    return segments


def chosen(config: Config, request: ReleaseRequest) -> tuple[Options, JudgeConfig]:
    """The options of slipway.yaml with the request's changes applied; raises InputError."""
    return chosen_of(config.models[request.model].release, request.strategy, request.changes)


def chosen_of(release: ReleaseConfig, name: str | None, changes: Mapping[str, str]) -> tuple[Options, JudgeConfig]:
    """A strategy's options with changes applied, by default of the configured strategy; raises InputError."""
    strategies: tuple[Strategy, ...] = get_args(Strategy)
    strategy = next((each for each in strategies if each == name), None)
    if name is not None and strategy is None:
        raise InputError.of("strategy", f"{name!r}{near_name(name, strategies)} is none of {', '.join(strategies)}")
    plain = {key: value for key, value in changes.items() if not key.startswith(_JUDGE)}
    judged = {key.removeprefix(_JUDGE): value for key, value in changes.items() if key.startswith(_JUDGE)}
    configured = release.options(strategy).model_dump()
    if "shares" in plain and "share" in configured:
        configured["share"] = None  # the single step of slipway.yaml gives way to the slope of the command line
    try:
        options = _OPTIONS.validate_python(_changed(configured, plain))
        return options, JudgeConfig.model_validate(_changed(release.judge.model_dump(), judged))
    except ValidationError as error:
        raise InputError(field_problems(error, prefix="option")) from error


def stable_version(config: Config, model: str, last: ReleaseRecord | None, live: Mapping[int, float] | None) -> int:
    """The version that a new release starts from.

    It is the version with all live traffic where the tier reports shares; otherwise the last release's stable version,
    or the configured one if there was no release.

    Raises:
        ConflictError: the live traffic is already split.
    """
    if live is not None:
        whole = [version for version, share in live.items() if share > 0.994]
        if not whole:
            shown = ", ".join(f"{100 * share:g} % at {version}" for version, share in live.items())
            raise ConflictError(f"the traffic of {model} is shared already ({shown}); give it to one version first")
        return whole[0]
    return last.stable_now if last is not None else config.models[model].stable


def _check_shadow(name: str, model: ModelConfig) -> None:
    """Check that a model can be shadowed; raises InputError with the reason."""
    if model.tier == "heavy" and model.heavy.compute == "gpu":
        message = f"{name} runs on GPUs, and shadows are scored on processors, where it would be another model"
        raise InputError.of("strategy", message)


def _changed(document: dict[str, Any], changes: Mapping[str, str]) -> dict[str, Any]:
    """Set the values at dotted names in a document; raises InputError for an unknown name."""
    for name, value in changes.items():
        *parents, last = name.split(".")
        place = document
        for parent in parents:
            inner = place.get(parent)
            place = inner if isinstance(inner, dict) else {}
        if last not in place or last == "strategy":
            raise InputError(
                [FieldProblem(name, f"is no option here{near_name(name, document)}; there is {', '.join(document)}")]
            )
        place[last] = None if value == "" else value
    return document
