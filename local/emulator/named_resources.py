"""Which resources a call is about, for the check of policies where MiniStack takes the wrong ones or none.

It checks every call to ECS by its cluster, a change of a load balancer's rule and a read of several parameters by `*`,
and so refuses what a role may do to a service, a rule or a parameter; and a call about a log group by an ARN that lacks
the end `:*`, which policies need for all but tags. The actions with their resources:
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

import json
from collections.abc import Mapping
from typing import Any

from ministack.core import iam_actions

_SERVICE_CALLS = ("DescribeServices", "UpdateService")
_PARAMETER_CALLS = ("GetParameters",)
_FILTER_CALLS = ("DescribeSubscriptionFilters", "PutSubscriptionFilter", "DeleteSubscriptionFilter")


def install() -> None:
    """Have the MiniStack in this process check these calls by what they name."""
    others = iam_actions.extract_resource_arn

    def resource(*call: Any) -> str:
        service, _, _, headers, body, parameters, region, account = call
        named = resource_of(service, headers.get("x-amz-target", ""), body, parameters, f"{region}:{account}")
        return named or str(others(*call))

    iam_actions.extract_resource_arn = resource


def resource_of(service: str, target: str, body: bytes, parameters: Mapping[str, Any], place: str) -> str | None:
    """The ARN of what a call names; of several things the first. None where MiniStack knows it, or nothing is named.

    ``target`` is the header that names the action, ``place`` has region and account with a colon between.
    """
    action = target.rpartition(".")[2]
    if service == "ecs" and action in _SERVICE_CALLS:
        return _service(_read(body), place)
    if service == "ssm" and action in _PARAMETER_CALLS:
        names = _read(body).get("Names") or [""]
        return f"arn:aws:ssm:{place}:parameter/{names[0].lstrip('/')}" if names[0] else None
    if service == "logs" and action in _FILTER_CALLS:
        group = _read(body).get("logGroupName")
        return f"arn:aws:logs:{place}:log-group:{group}:*" if group else None
    if service == "elasticloadbalancing":
        rule = parameters.get("RuleArn") or None
        return rule[0] if isinstance(rule, list) else rule
    return None


def _service(asked: Mapping[str, Any], place: str) -> str | None:
    name = asked.get("service") or next(iter(asked.get("services", ())), None)
    if not name or name.startswith("arn:"):
        return name
    cluster = asked.get("cluster", "default").rpartition("/")[2]
    return f"arn:aws:ecs:{place}:service/{cluster}/{name}"


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
