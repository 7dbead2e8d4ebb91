"""`environments` of slipway.yaml: each overrides any key of the rest, by the rules of JSON Merge Patch (RFC 7386)."""

import re
from collections.abc import Mapping
from typing import Any

from slipway.config.validation import near_name
from slipway.errors import FieldProblem

KEY = "environments"
PROJECT = "project"
LOCAL = "local"
"""The environment of the embedded AWS, if slipway.yaml has it."""

Document = Mapping[str, Any]
_NAME = re.compile(r"[a-z][a-z0-9-]{0,23}")


def split_environments(document: object) -> tuple[object, dict[str, Document], list[FieldProblem]]:
    """Split slipway.yaml into what all environments share, each one's overrides, and the problems of the latter."""
    if not isinstance(document, dict) or KEY not in document:
        return document, {}, []
    rest = {key: value for key, value in document.items() if key != KEY}
    given = document[KEY]
    if not isinstance(given, dict):
        return rest, {}, [FieldProblem(KEY, "must be an object: each environment's name with its overrides")]
    problems = [problem for name, overrides in given.items() if (problem := _problem(name, overrides)) is not None]
    faulty = {problem.field for problem in problems}
    return rest, {n: o or {} for n, o in given.items() if f"{KEY}.{n}" not in faulty}, problems


def _problem(name: object, overrides: object) -> FieldProblem | None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return FieldProblem(f"{KEY}.{name}", f"an environment's name must match ^{_NAME.pattern}$")
    if overrides is not None and not isinstance(overrides, dict):
        return FieldProblem(f"{KEY}.{name}", "must be an object: the keys to override")
    return None


def merge_environment(
    rest: object, name: str, overrides: Document, *, project: str
) -> tuple[object, list[FieldProblem]]:
    """Merge one environment into the rest; the problems name the nulls that remove nothing.

    Maps merge key by key. Lists and values replace. A null removes the key, so that its default applies. The project
    becomes ``{project}-{name}``, unless the environment sets it: several environments fit into one account.
    """
    if not isinstance(rest, dict):
        return rest, []
    problems: list[FieldProblem] = []
    merged = _merge(rest, overrides, f"{KEY}.{name}", problems)
    if PROJECT not in overrides and isinstance(own := rest.get(PROJECT, project), str):
        merged[PROJECT] = f"{own}-{name}"
    return merged, problems


def _merge(base: Document, overrides: Document, path: str, problems: list[FieldProblem]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in overrides.items():
        at = f"{path}.{key}"
        if value is None:
            if key not in merged:
                message = f"null removes a key, and there is none of this name{near_name(key, merged)}"
                problems.append(FieldProblem(at, message))
            merged.pop(key, None)
        elif isinstance(value, dict):
            below = merged.get(key)
            merged[key] = _merge(below if isinstance(below, dict) else {}, value, at, problems)
        else:
            merged[key] = value
    return merged
