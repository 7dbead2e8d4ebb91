"""How to call a model: the fields of a record, the commands, and the call itself."""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError

from slipway.cli.predict_input import Described
from slipway.cli.values import assignments
from slipway.config import Authorization
from slipway.config.deployment.loopback import is_loopback
from slipway.console.workspace import Workspace
from slipway.models.manifest import InputField
from slipway.models.measurements.golden import GOLDEN, Golden
from slipway.serving.http.openapi_examples import EXAMPLE_ID, example_value


@dataclass(frozen=True, slots=True)
class Asked:
    """One field of the form: an input or the id of an entity. Examples have those that are ``sent``."""

    name: str
    type: str
    description: str
    example: str
    required: bool
    sent: bool
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Caller:
    """How to call a model: the fields of its form, those that the store has, and the commands."""

    described: dict[str, Any]
    asked: tuple[Asked, ...]
    stored: tuple[Asked, ...]
    curl: str
    command: str


def caller(workspace: Workspace, model: str) -> Caller | None:
    """How to call a model's serving version; None if nothing has loaded that, so that its inputs are not known."""
    api = workspace.api()
    described: dict[str, Any] = api.get(f"/v1/models/{quote(model, safe='')}")
    version = _serving(described)
    if version is None:
        return None
    fields = [InputField.model_validate(field) for field in version["inputs"]]
    golden = _golden(workspace, model, version["version"])
    asked = [*(_asked(field, golden) for field in fields if field.group is None), *_entities(version)]
    example = {each.name: each.example for each in asked if each.sent}
    types = Described.of(model, described, None).types
    record = assignments([f"{name}={value}" for name, value in example.items()], types)
    return Caller(
        described,
        tuple(asked),
        tuple(_asked(field, golden) for field in fields if field.group is not None),
        _curl(api.url, model, record, workspace),
        shlex.join(["slipway", "predict", model, *(f"{name}={value}" for name, value in example.items())]),
    )


def predicted(workspace: Workspace, model: str, given: Mapping[str, str], version: int | None) -> dict[str, Any]:
    """The API's answer to one record of texts by field, each read by its input's type.

    Raises:
        InputError, ApiError, UnavailableError: a value is wrong, the API refused it, or does not answer.
    """
    path = f"/v1/models/{quote(model, safe='')}"
    api = workspace.api()
    types = Described.of(model, api.get(path), version).types
    record = assignments([f"{name}={value}" for name, value in given.items()], types)
    chosen = f"/versions/{version}" if version else ""
    answer: dict[str, Any] = api.call("POST", f"{path}{chosen}/predict", {"inputs": [record]})
    return answer


def _serving(described: Mapping[str, Any]) -> dict[str, Any] | None:
    stable = described["release"]["stable"]
    return next((each for each in described["versions"] if each["version"] == stable and "inputs" in each), None)


def _golden(workspace: Workspace, model: str, version: int) -> Mapping[str, Any]:
    """The first golden record of a version that lies beside slipway.yaml, as an example; else nothing."""
    path = workspace.config().model_folder(workspace.root, model) / str(version) / GOLDEN
    try:
        return Golden.model_validate_json(path.read_bytes()).records[0].record
    except (OSError, ValidationError):
        return {}


def _asked(field: InputField, golden: Mapping[str, Any]) -> Asked:
    required = field.group is None and field.default is None and not field.nullable
    value = golden.get(field.name)
    value = example_value(field) if value is None else value
    shown = value if isinstance(value, str) else json.dumps(value)
    allowed = tuple(map(str, field.allowed or ()))
    return Asked(field.name, field.type.value, field.description or "", shown, required, required, allowed)


def _entities(version: Mapping[str, Any]) -> Iterator[Asked]:
    """The ids that a record may have beside the inputs."""
    inputs = {field["name"] for field in version["inputs"]}
    needed = version["record_schema"].get("required", ())
    for name, schema in version["record_schema"]["properties"].items():
        if name not in inputs:
            yield Asked(
                name, "string", schema.get("description", f"id of the {name}"), EXAMPLE_ID, name in needed, sent=True
            )


def _curl(address: str, model: str, record: Mapping[str, Any], workspace: Workspace) -> str:
    body = json.dumps({"inputs": [record]}, ensure_ascii=False)
    parts = [f"curl {shlex.quote(f'{address}/v1/models/{model}/predict')}", "-H 'Content-Type: application/json'"]
    parts += [] if is_loopback(address) else _authorization(workspace)
    return " \\\n  ".join([*parts, f"-d {shlex.quote(body)}"])


def _authorization(workspace: Workspace) -> Sequence[str]:
    """The options by which curl authorizes itself, with the names of variables and none of their values."""
    match workspace.config().api.authorization:
        case Authorization.IAM:
            return (
                f'--aws-sigv4 "aws:amz:{workspace.region()}:execute-api"',
                '--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"',
                '-H "x-amz-security-token: $AWS_SESSION_TOKEN"',
            )
        case Authorization.JWT:
            return ('-H "Authorization: Bearer $SLIPWAY_TOKEN"',)
        case Authorization.NONE:
            return ()
