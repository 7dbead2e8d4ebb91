"""The weights and the health of a heavy model's slots, from its listener rule and target groups."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway.aws.clients import answered_by, new_client
from slipway.config.heavy import version_paths
from slipway.errors import UnavailableError


@dataclass(frozen=True, slots=True)
class Health:
    """How many tasks of a slot are registered at the load balancer, and how many of them are healthy."""

    healthy: int
    known: int


class SlotBalancer:
    """Reads and sets a model's slots at the load balancer.

    ``rule`` is the ARN of the rule that holds the weights, ``groups`` has the ARN of each slot's target group.
    ``options`` are passed to the boto3 client.
    """

    def __init__(self, rule: str, groups: Mapping[str, str], options: Mapping[str, Any]) -> None:
        self._rule = rule
        self._groups = groups
        self._client = new_client("elbv2", options)

    def weights(self) -> dict[str, int]:
        """The live weight of each slot; raises UnavailableError."""
        with answered_by("the load balancer"):
            actions = self._client.describe_rules(RuleArns=[self._rule])["Rules"][0]["Actions"]
        groups = actions[0]["ForwardConfig"]["TargetGroups"]
        by_group = {group["TargetGroupArn"]: int(group["Weight"]) for group in groups}
        return {slot: by_group.get(group, 0) for slot, group in self._groups.items()}

    def health(self, slot: str) -> Health:
        """The health of a slot's targets; raises UnavailableError."""
        with answered_by("the load balancer"):
            found = self._client.describe_target_health(TargetGroupArn=self._groups[slot])
        states = [target["TargetHealth"]["State"] for target in found["TargetHealthDescriptions"]]
        return Health(states.count("healthy"), len(states))

    def set_weights(self, weights: Mapping[str, int]) -> None:
        """Set the live weights of all slots in one call; raises UnavailableError."""
        groups = [{"TargetGroupArn": group, "Weight": weights[slot]} for slot, group in self._groups.items()]
        action = {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}
        with answered_by("the load balancer"):
            self._client.modify_rule(RuleArn=self._rule, Actions=[action])

    def answer(self, slot: str, model: str, version: int) -> None:
        """Route requests that name a version to a slot; raises UnavailableError."""
        values = list(version_paths(model, str(version)))
        condition = {"Field": "path-pattern", "PathPatternConfig": {"Values": values}}
        with answered_by("the load balancer"):
            self._client.modify_rule(RuleArn=self._own_rules()[slot]["RuleArn"], Conditions=[condition])

    def addressed(self) -> dict[str, int]:
        """The version whose address leads to each slot; raises UnavailableError."""
        with answered_by("the load balancer"):
            return {slot: _version_of(rule) for slot, rule in self._own_rules().items()}

    def _own_rules(self) -> dict[str, Mapping[str, Any]]:
        """The rule of each slot that forwards to it alone."""
        listener = self._rule.rpartition("/")[0].replace(":listener-rule/", ":listener/")
        pages = self._client.get_paginator("describe_rules").paginate(ListenerArn=listener)
        rules = [rule for page in pages for rule in page["Rules"] if rule["RuleArn"] != self._rule]
        found = {slot: rule for slot, group in self._groups.items() for rule in rules if _groups_of(rule) == {group}}
        if missing := self._groups.keys() - found.keys():
            raise UnavailableError("the load balancer", f"no rule leads to the slot {min(missing)} alone")
        return found


def _version_of(rule: Mapping[str, Any]) -> int:
    """The version in the last part of a path such as `/v2/models/…/versions/3`; 0 if there is none."""
    paths = (value for each in rule["Conditions"] for value in each["PathPatternConfig"]["Values"])
    return next((int(last) for last in (path.rpartition("/")[2] for path in paths) if last.isdecimal()), 0)


def _groups_of(rule: Mapping[str, Any]) -> set[str]:
    """The target groups that a rule forwards to."""
    found: set[str] = set()
    for action in rule["Actions"]:
        forwarded = action.get("ForwardConfig", {}).get("TargetGroups", [])
        found |= {group["TargetGroupArn"] for group in forwarded} or {action.get("TargetGroupArn", "")}
    return found
