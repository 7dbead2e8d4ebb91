"""Rankings in the OpenAPI document."""

from slipway.config import LimitsConfig
from slipway.models.manifest import BUILT_IN_TASKS, Manifest
from slipway.monitoring.feedback.prediction_ids import PREDICTION_ID_PATTERN
from slipway.serving.http import openapi_parts as parts
from slipway.serving.http.json_schema import BOOLEAN, INTEGER, NUMBER, Json, a_list, an_object, ref
from slipway.serving.prediction.service import ServedVersion


def rank_schemas(version: ServedVersion, record: Json, limits: LimitsConfig) -> Json:
    """The schemas of a version's rankings; ``record`` is that of a record."""
    name = version.reader.record.__name__
    # What an item leaves out may be in the context, and which of the two does not matter.
    item = {key: value for key, value in record.items() if key != "required"} | {"title": f"{name}Item"}
    manifest = version.predictor.manifest
    request = {
        "items": {**a_list(ref(f"{name}Item")), "minItems": 1, "maxItems": limits.records},
        "context": ref(f"{name}Item"),
        "limit": {**INTEGER, "minimum": 1},
        **_by(manifest),
    }
    required = ["items", "by"] if manifest.outputs.labels and manifest.task in BUILT_IN_TASKS else ["items"]
    return {
        f"{name}Item": item,
        f"{name}RankRequest": an_object(request, required=required),
        f"{name}Ranking": _answer(manifest),
    }


def rank_operation(version: ServedVersion, suffix: str) -> Json:
    """The operation that ranks with a model, or with one version of it."""
    manifest, name = version.predictor.manifest, version.reader.record.__name__
    labels = manifest.outputs.labels
    by = {"by": labels[-1]} if labels and manifest.task in BUILT_IN_TASKS else {}
    example = {"items": [parts.example_record(manifest, version.reader.record)] * 2, **by, "limit": 1}
    return parts.operation(
        parts.PREDICTIONS,
        f"rank_{manifest.name}{suffix}".replace(" ", "_").replace("-", "_"),
        f"Rank with {manifest.name}{suffix}",
        "Each item is scored, and takes what it does not say itself from `context`. A click on an item is told to "
        "`/v1/feedback` as a reward, by the item's id.",
        body=parts.json_body(f"{name}RankRequest", example),
        answers={200: parts.json_answer(f"{name}Ranking", "The items, best first.")},
        problems=(400, 413, 415, 422, 500, 503),
    )


def _by(manifest: Manifest) -> Json:
    if manifest.task not in BUILT_IN_TASKS:
        return {"by": {"type": "string", "maxLength": 256, "description": "The number of the output that ranks."}}
    if manifest.outputs.labels is None:
        return {}
    return {"by": {"enum": list(manifest.outputs.labels), "description": "The label whose probability ranks."}}


def _answer(manifest: Manifest) -> Json:
    one = {
        "index": {**INTEGER, "minimum": 0, "description": "The item's place in the request."},
        "id": {"type": "string", "pattern": PREDICTION_ID_PATTERN},
        "version": INTEGER,
        "score": NUMBER,
        "cached": BOOLEAN,
    }
    impression = {"type": "string", "pattern": "^[0-9a-f]{24}$"}
    return an_object({"model": {"const": manifest.name}, "impression": impression, "items": a_list(an_object(one))})
