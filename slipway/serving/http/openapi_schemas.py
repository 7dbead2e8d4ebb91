"""The schemas of the OpenAPI document that are the same in every project."""

from slipway.serving.http.json_schema import BOOLEAN, INTEGER, NUMBER, OBJECT, TEXT, TIME, Json, a_list, an_object, ref

_VERSION = an_object(
    {
        "version": INTEGER,
        "task": TEXT,
        "description": TEXT,
        "inputs": a_list(OBJECT),
        "outputs": OBJECT,
        "record_schema": OBJECT,
        "quality": a_list(an_object({"metric": TEXT, "value": NUMBER, "data": TEXT})),
        "quantization": {"type": ["object", "null"]},
        "bytes": INTEGER,
    }
)
# A version that is not at hand: in another container, or in a registry that did not give it.
_NUMBERED = an_object({"version": INTEGER})
_CANDIDATE = an_object({"version": INTEGER, "share": NUMBER})
_TEXT_OR_NULL = {"type": ["string", "null"]}
_RELEASE = an_object(
    {
        "stable": INTEGER,
        "strategy": _TEXT_OR_NULL,
        "candidates": a_list(_CANDIDATE),
        "id": _TEXT_OR_NULL,
        "phase": _TEXT_OR_NULL,
    }
)
_TENSOR = an_object({"name": TEXT, "datatype": TEXT, "shape": a_list(INTEGER)})
_OUTPUT_TENSOR = an_object(
    {**_TENSOR["properties"], "data": {"type": "array"}, "parameters": OBJECT}, required=("name", "datatype", "shape")
)

FIXED_SCHEMAS: Json = {
    "Problem": an_object(
        {
            "type": TEXT,
            "title": TEXT,
            "status": INTEGER,
            "detail": TEXT,
            "instance": TEXT,
            "errors": a_list(an_object({"field": TEXT, "message": TEXT})),
        },
        required=("type", "title", "status", "detail", "instance"),
    ),
    "Model": an_object(
        {
            "name": TEXT,
            "task": TEXT,
            "tier": {"enum": ["light", "heavy"]},
            "description": TEXT,
            "release": _RELEASE,
            "versions": a_list({"anyOf": [_VERSION, _NUMBERED]}),
        }
    ),
    "ListedModel": an_object(
        {
            "name": TEXT,
            "tier": {"enum": ["light", "heavy"]},
            "release": _RELEASE,
            "versions": a_list(_NUMBERED),
        }
    ),
    "Models": an_object({"models": a_list({"anyOf": [ref("Model"), ref("ListedModel")]})}),
    "StoredFeatures": an_object(
        {
            "entity": TEXT,
            "id": TEXT,
            "groups": {
                "type": "object",
                "additionalProperties": an_object({"event_time": TIME, "values": OBJECT}),
            },
        }
    ),
    "StoredGroups": an_object({"entity": TEXT, "id": TEXT, "stored": a_list(TEXT)}),
    "BatchResult": an_object(
        {
            "stored": INTEGER,
            "refused": INTEGER,
            "results": a_list(
                an_object({"row": INTEGER, "stored": BOOLEAN, "reason": TEXT}, required=("row", "stored"))
            ),
        }
    ),
    "FeedbackResult": an_object({"prediction_id": TEXT, "status": {"enum": ["stored", "already stored"]}}),
    "InferError": an_object({"error": TEXT}),
    "InferResponse": an_object(
        {"model_name": TEXT, "model_version": TEXT, "id": TEXT, "outputs": a_list(_OUTPUT_TENSOR)},
        required=("model_name", "outputs"),
    ),
    "ModelMetadata": an_object(
        {
            "name": TEXT,
            "versions": a_list(TEXT),
            "platform": TEXT,
            "inputs": a_list(_TENSOR),
            "outputs": a_list(_TENSOR),
        }
    ),
    "ModelReady": an_object({"name": TEXT, "ready": BOOLEAN}),
    "ServerMetadata": an_object({"name": TEXT, "version": TEXT, "extensions": a_list(TEXT)}),
    "Live": an_object({"live": BOOLEAN}),
    "Ready": an_object({"ready": BOOLEAN}),
    "Ping": an_object({"status": TEXT}),
}
