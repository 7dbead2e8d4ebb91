"""Whether slipway.yaml lets a version be served, and if not, why, in words that callers of the API may read."""

import re

from slipway.config import Config
from slipway.errors import ConfigError, FieldProblem, GoldenError, NotFoundError, NotLoadedError, PackageError
from slipway.models.manifest import InputField, Manifest
from slipway.models.measurements.golden import GOLDEN
from slipway.models.schema import record_model

UNUSABLE: tuple[type[Exception], ...] = (ConfigError, PackageError, NotFoundError)
"""The errors of a version that trying again does not mend."""

_FOLDERS = re.compile(r"(?<![\w.])(?:/[^\s/:;,'\"()]+)+/")
_REASON_CHARACTERS = 500


def require_servable(config: Config, manifest: Manifest) -> None:
    """Raise ConfigError or PackageError if a function could not serve the version with this slipway.yaml."""
    if problems := config_problems(config, manifest):
        raise ConfigError("slipway.yaml", problems)
    entities = {name: group.entity for name, group in config.features.items()}
    model = config.models.get(manifest.name)
    about = model.capture.entity if model else None
    record_model(manifest, entities, text_characters=config.api.limits.text_characters, about=about)


def config_problems(config: Config, manifest: Manifest) -> list[FieldProblem]:
    """What slipway.yaml says that does not fit a version: the features that it reads, and the kind of processor."""
    undefined = [problem for field in manifest.inputs for problem in _undefined(config, manifest, field)]
    return [*undefined, *_unfit_for_gpus(config, manifest)]


def not_loaded(name: str, version: int, error: Exception) -> NotLoadedError:
    """Translate one of `UNUSABLE`. The reason keeps the names of files and drops their folders."""
    if isinstance(error, ConfigError):
        reason = "; ".join(f"{problem.field}: {problem.message}" for problem in error.problems)
    elif isinstance(error, GoldenError):
        reason = f"{GOLDEN}: {error.brief}"
    else:
        reason = str(error)
    failure = NotLoadedError(name, version, _FOLDERS.sub("", reason)[:_REASON_CHARACTERS])
    failure.__cause__ = error
    return failure


def golden_failure(error: BaseException | None) -> GoldenError | None:
    """The difference from its golden records for which a version was not loaded, or None."""
    while error is not None and not isinstance(error, GoldenError):
        error = error.__cause__
    return error


def _unfit_for_gpus(config: Config, manifest: Manifest) -> list[FieldProblem]:
    model = config.models.get(manifest.name)
    on_gpus = model is not None and model.tier == "heavy" and model.heavy.compute == "gpu"
    if not on_gpus or manifest.quantization is None or not manifest.quantization.on_processors:
        return []
    message = (
        f"is gpu, but version {manifest.version} is dynamic int8, whose products ONNX Runtime leaves to processors: "
        "with a GPU it is slower, and answers otherwise; give the version in float32, or write `compute: fargate`"
    )
    return [FieldProblem(f"models.{manifest.name}.heavy.compute", message)]


def _undefined(config: Config, manifest: Manifest, field: InputField) -> list[FieldProblem]:
    if field.group is None:
        return []
    needed_by = f"{manifest.name} {manifest.version} reads {field.name} from it"
    group = config.features.get(field.group)
    if group is None:
        return [FieldProblem(f"features.{field.group}", f"is not defined, but {needed_by}")]
    path = f"features.{field.group}.features.{field.name}"
    feature = group.features.get(field.name)
    if feature is None:
        return [FieldProblem(path, f"is not defined, but {needed_by}")]
    if feature.type is not field.type:
        return [FieldProblem(path, f"is of type {feature.type}, but {needed_by} as {field.type}")]
    return []
