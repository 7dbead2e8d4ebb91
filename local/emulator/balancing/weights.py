"""Weighted target groups: store the weights from calls and templates, describe them, and apply them.

MiniStack keeps only the first target group of an action and drops all weights.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any

from ministack.services import alb
from ministack.services.cloudformation import provisioners

from local.emulator.balancing.health import healthy_targets

_DEFAULT_WEIGHT = 1  # AWS's default

Action = dict[str, Any]


def install() -> None:
    """Make this process's MiniStack store and apply weights."""
    parse, describe, execute = alb._parse_actions, alb._action_xml, alb._execute_actions
    from_template = provisioners._elbv2_listener_actions

    def parse_with_groups(params: Mapping[str, Any], prefix: str = "DefaultActions") -> list[Action]:
        actions: list[Action] = parse(params, prefix)
        return [
            _with_groups(action, _groups_of_call(params, f"{prefix}.member.{number}.ForwardConfig.TargetGroups"))
            for number, action in enumerate(actions, start=1)
        ]

    def from_template_with_groups(
        properties: Mapping[str, Any], balancer: str | None, prop: str = "DefaultActions"
    ) -> list[Action]:
        given = [action for action in properties.get(prop) or [] if isinstance(action, dict)]
        actions: list[Action] = from_template(properties, balancer, prop)
        return [_with_groups(action, _groups_of_template(each)) for action, each in zip(actions, given, strict=True)]

    def describe_with_groups(action: Action) -> str:
        text: str = describe(action)
        groups = action.get("ForwardConfig", {}).get("TargetGroups", ())
        return text.replace("</member>", f"{_groups_xml(groups)}</member>") if groups else text

    async def execute_by_weight(actions: Sequence[Action], *args: Any, **kwargs: Any) -> Any:
        return await execute([await _decided(action) for action in actions], *args, **kwargs)

    alb._parse_actions, alb._action_xml, alb._execute_actions = (
        parse_with_groups,
        describe_with_groups,
        execute_by_weight,
    )
    provisioners._elbv2_listener_actions = from_template_with_groups


def choose(weights: Mapping[str, int], alive: Sequence[str]) -> str | None:
    """Choose a target group by weight among those that are ``alive``; None if they have no weight.

    AWS uses the weights alone. Here a slot has a single process, whose restart clients would otherwise notice.
    """
    left = {group: weight for group, weight in weights.items() if weight > 0 and group in alive}
    if not left:
        return None
    return random.choices(list(left), weights=list(left.values()))[0]  # noqa: S311 - not a secret


async def _decided(action: Action) -> Action:
    """The action with its target groups reduced to one."""
    groups = action.get("ForwardConfig", {}).get("TargetGroups", ())
    if not groups:
        return action
    weights = {group["TargetGroupArn"]: group["Weight"] for group in groups}
    alive = [group for group in weights if await asyncio.to_thread(healthy_targets, group)]
    # If none is alive, any group produces the response of a load balancer without targets.
    return {**action, "TargetGroupArn": choose(weights, alive) or next(iter(weights))}


def _with_groups(action: Action, groups: Sequence[Mapping[str, Any]]) -> Action:
    if not groups:
        return action
    first = {"TargetGroupArn": groups[0]["TargetGroupArn"]} if len(groups) == 1 else {}
    return {**action, **first, "ForwardConfig": {"TargetGroups": list(groups)}}


def _groups_of_call(params: Mapping[str, Any], prefix: str) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = []
    while group := alb._p(params, f"{prefix}.member.{len(groups) + 1}.TargetGroupArn"):
        weight = alb._p(params, f"{prefix}.member.{len(groups) + 1}.Weight")
        groups.append({"TargetGroupArn": group, "Weight": int(weight) if weight else _DEFAULT_WEIGHT})
    return groups


def _groups_of_template(action: Mapping[str, Any]) -> list[dict[str, Any]]:
    given = action.get("ForwardConfig", {}).get("TargetGroups", ())
    return [{**group, "Weight": int(group.get("Weight", _DEFAULT_WEIGHT))} for group in given]


def _groups_xml(groups: Sequence[Mapping[str, Any]]) -> str:
    members = "".join(
        f"<member><TargetGroupArn>{group['TargetGroupArn']}</TargetGroupArn><Weight>{group['Weight']}</Weight></member>"
        for group in groups
    )
    return f"<ForwardConfig><TargetGroups>{members}</TargetGroups></ForwardConfig>"
