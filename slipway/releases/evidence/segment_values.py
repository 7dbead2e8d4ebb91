"""Name the values of a release's segments, from the baseline of the stable version or from slipway.yaml.

Values are fixed when a release starts, so that callers cannot add any by what they send.
"""

from collections.abc import Iterable, Sequence

from slipway.config import FeatureType
from slipway.config.releases.segments import SegmentConfig
from slipway.errors import FieldProblem, InputError, near_name
from slipway.models.manifest import InputField
from slipway.models.measurements.baseline import Categories, category_of
from slipway.models.package import Package
from slipway.releases.routing.segments import Segment

MOST_GROUPS = 200
_OF = "segments"


def name_segments(wanted: Iterable[SegmentConfig], model: str, package: Package | None) -> tuple[Segment, ...]:
    """The segments with their values; ``package`` is the stable version's, or None if it is not on this machine.

    Raises:
        InputError: an input is missing, is a float or has no categories, or a value is none of it.
        PackageError: the baseline cannot be read.
    """
    return tuple(_named(each, model, package) for each in wanted)


def check_groups(segments: Sequence[Segment], versions: int) -> None:
    """Refuse more groups than a record holds; raises InputError."""
    groups = versions * sum(segment.groups for segment in segments)
    if groups > MOST_GROUPS:
        problem = f"are {groups} groups in {versions} versions, and a release has {MOST_GROUPS} at most"
        raise InputError.of(_OF, f"{problem}: lower `most`, or name fewer inputs")


def _named(wanted: SegmentConfig, model: str, package: Package | None) -> Segment:
    if package is None:
        if not wanted.values:
            problem = f"the values of {wanted.input} are in the stable version's baseline, and its package is not here"
            raise InputError.of(_OF, f"{problem}: name them in `values`, or put the package in the folder of {model}")
        return Segment(wanted.input, wanted.values)
    field = _field(wanted.input, package)
    if wanted.values:
        _check_allowed(wanted, field)
        return Segment(wanted.input, wanted.values)
    summary = package.baseline.inputs.get(wanted.input)
    if not isinstance(summary, Categories):
        version = f"{model} {package.manifest.version}"
        problem = f"{wanted.input} has no categories in the baseline of {version}, so its values are not known"
        raise InputError.of(_OF, f"{problem}: name some in `values`, or give the input `allowed` values in model.yaml")
    frequent = sorted(summary.shares, key=lambda value: -summary.shares[value])
    return Segment(wanted.input, tuple(frequent[: wanted.most]))


def _field(name: str, package: Package) -> InputField:
    fields = {field.name: field for field in package.manifest.inputs}
    if name not in fields:
        version = f"{package.manifest.name} {package.manifest.version}"
        raise InputError.of(_OF, f"{name!r} is no input of {version}{near_name(name, fields)}")
    if fields[name].type is FeatureType.FLOAT:
        raise InputError.of(_OF, f"{name} is a float; segments are of strings, integers and booleans")
    return fields[name]


def _check_allowed(wanted: SegmentConfig, field: InputField) -> None:
    allowed = None if field.allowed is None else [category_of(value) for value in field.allowed]
    unknown = [] if allowed is None else [value for value in wanted.values if value not in allowed]
    if allowed is not None and unknown:
        message = f"{unknown[0]!r} is no value of {field.name}, which may be {', '.join(allowed)}"
        raise InputError([FieldProblem(_OF, message)])
