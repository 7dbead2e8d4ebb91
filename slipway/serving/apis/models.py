"""The HTTP routes that list the deployed models, their versions with schemas, and their releases."""

from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, JsonValue

from slipway.models.manifest import Manifest
from slipway.serving.apis.predict import pipeline_of
from slipway.serving.http.responses import operation_id, problems
from slipway.serving.prediction.served import ServedModels, ServedVersion

MODELS, MODEL = "/v1/models", "/v1/models/{model}"

router = APIRouter(tags=["Models"], generate_unique_id_function=operation_id)


class CandidateShare(BaseModel):
    """A candidate, and its share of the traffic."""

    version: int
    share: float


class ReleaseState(BaseModel):
    """The versions that serve a model now; ``id`` and ``phase`` belong to its latest release, if it ever had one."""

    stable: int
    strategy: str | None
    candidates: list[CandidateShare]
    id: str | None
    phase: str | None


class Quality(BaseModel):
    """A quality measurement from the manifest."""

    metric: str
    value: float
    data: str


class NumberedVersion(BaseModel):
    """A version that this process has not loaded: another container serves it, or the registry was unavailable."""

    version: int


class UnloadedVersion(NumberedVersion):
    """A version that cannot be loaded, and why; requests for it are answered 503."""

    ready: Literal[False] = False
    reason: str


class DescribedVersion(NumberedVersion):
    """A loaded version."""

    task: str
    description: str
    inputs: list[dict[str, JsonValue]]
    outputs: dict[str, JsonValue]
    record_schema: dict[str, JsonValue]
    quality: list[Quality]
    quantization: dict[str, JsonValue] | None
    bytes: int


class RequestLimits(BaseModel):
    """The most that one request to a model may have: records, and characters of text in all of them."""

    records: int
    characters: int


class ListedModel(BaseModel):
    """A model that another container serves, or whose stable version cannot be loaded."""

    name: str
    tier: str
    limits: RequestLimits
    release: ReleaseState
    versions: list[DescribedVersion | UnloadedVersion | NumberedVersion]


class Model(ListedModel):
    """A model that this process serves, described by its stable version."""

    task: str
    description: str


class Models(BaseModel):
    """Every model of slipway.yaml."""

    models: list[Model | ListedModel]


@router.get(MODELS, name="list_models", responses=problems(500))
async def list_models(request: Request) -> Models:
    """List the models."""
    models = pipeline_of(request).models
    return Models(models=[describe(models, name) for name in models.config.models])


@router.get(MODEL, name="show_model", responses=problems(404, 500))
async def show_model(request: Request, model: str) -> Model | ListedModel:
    """Describe a model."""
    return describe(pipeline_of(request).models, model)


def describe(models: ServedModels, name: str) -> Model | ListedModel:
    """Describe a model, with its schemas if this process serves it; raises NotFoundError."""
    config = models.model(name)
    stable = models.releases.of(name).stable
    loaded = models.loaded(name)
    listed: dict[str, Any] = {
        "name": name,
        "tier": config.tier,
        "limits": RequestLimits(records=models.most_records(name), characters=config.limits.characters),
        "release": _release(models, name),
        "versions": [_version(models, name, number) for number in models.versions(name)],
    }
    if stable not in loaded:
        return ListedModel(**listed)
    manifest = loaded[stable].manifest
    return Model(**listed, task=manifest.task, description=manifest.description)


def _release(models: ServedModels, name: str) -> ReleaseState:
    own, known = models.releases.of(name), models.releases.known(name)
    # A slot's own release has only its own version, so a heavy model's release comes from the control table.
    release = known.release if known and models.config.models[name].tier == "heavy" else own
    return ReleaseState(
        stable=release.stable,
        strategy=release.strategy,
        candidates=[CandidateShare(version=each.version, share=each.share) for each in release.candidates],
        id=known.id if known else None,
        phase=known.phase if known else None,
    )


def _version(models: ServedModels, name: str, number: int) -> DescribedVersion | UnloadedVersion | NumberedVersion:
    served, failure = models.loaded(name).get(number), models.failures.get((name, number))
    if served is not None:
        return _described(number, served)
    if failure is not None:
        return UnloadedVersion(version=number, reason=failure.reason)
    return NumberedVersion(version=number)


def _described(number: int, served: ServedVersion) -> DescribedVersion:
    manifest: Manifest = served.manifest
    return DescribedVersion(
        version=number,
        task=manifest.task,
        description=manifest.description,
        inputs=[field.model_dump(mode="json", exclude_none=True) for field in manifest.inputs],
        outputs=manifest.outputs.model_dump(mode="json", exclude_none=True),
        record_schema=served.reader.record.model_json_schema(),
        quality=[Quality(**measurement.model_dump(mode="json")) for measurement in manifest.quality],
        quantization=manifest.quantization.model_dump(mode="json") if manifest.quantization else None,
        bytes=sum(entry.bytes for entry in manifest.files),
    )
