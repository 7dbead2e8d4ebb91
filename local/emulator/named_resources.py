"""Find the resource of a call, for the policy checks in which MiniStack uses the wrong one or none.

MiniStack checks every ECS call against the cluster, and changes of a listener rule and reads of several parameters
against `*`, so it refuses calls that a role may make on a service, a rule or a parameter. It checks calls on a log
group against an ARN without the final `:*`, which policies need for everything but tags. The actions with resources:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import json
from collections.abc import Mapping
from typing import Any

from ministack.core import iam_actions

_SERVICE_CALLS = ("DescribeServices", "UpdateService")
_PARAMETER_CALLS = ("GetParameters",)
_GROUP_CALLS = (
    *("DescribeSubscriptionFilters", "PutSubscriptionFilter", "DeleteSubscriptionFilter"),
    *("FilterLogEvents", "StartQuery"),
)


def install() -> None:
    """Make this process's MiniStack check these calls against the resources that they name."""
    others = iam_actions.extract_resource_arn

    def resource(*call: Any) -> str:
        service, _, _, headers, body, parameters, region, account = call
        named = resource_of(service, headers.get("x-amz-target", ""), body, parameters, f"{region}:{account}")
        return named or str(others(*call))

    iam_actions.extract_resource_arn = resource


def resource_of(service: str, target: str, body: bytes, parameters: Mapping[str, Any], place: str) -> str | None:
    """The ARN of the first resource that a call names; None if MiniStack finds it itself or none is named.

    ``target`` is the header that names the action, ``place`` is ``region:account``.
    """
    action = target.rpartition(".")[2]
    if service == "ecs" and action in _SERVICE_CALLS:
        return _service(_read(body), place)
    if service == "ssm" and action in _PARAMETER_CALLS:
        names = _read(body).get("Names") or [""]
        return f"arn:aws:ssm:{place}:parameter/{names[0].lstrip('/')}" if names[0] else None
    if service == "logs" and action in _GROUP_CALLS:
        group = _read(body).get("logGroupName")
        return f"arn:aws:logs:{place}:log-group:{group}:*" if group else None
    if service == "elasticloadbalancing":
        rule = parameters.get("RuleArn") or None
        return rule[0] if isinstance(rule, list) else rule
    return None


def _service(request: Mapping[str, Any], place: str) -> str | None:
    name = request.get("service") or next(iter(request.get("services", ())), None)
    if not name or name.startswith("arn:"):
        return name
    cluster = request.get("cluster", "default").rpartition("/")[2]
    return f"arn:aws:ecs:{place}:service/{cluster}/{name}"


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
