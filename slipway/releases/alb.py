"""A heavy model's listener rule and its target groups: the weights of the slots, and their health."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway.boto import answered_by, new_client


@dataclass(frozen=True, slots=True)
class Health:
    """How many of a slot's tasks the load balancer finds ready, of those it knows."""

    healthy: int
    known: int


class SlotBalancer:
    """The load balancer's part of a model's slots; ``options`` are those of boto3's client.

    ``rule`` is the ARN of the rule with the weights, ``groups`` the ARN of each slot's target group.
    """

    def __init__(self, rule: str, groups: Mapping[str, str], options: Mapping[str, Any]) -> None:
        self._rule = rule
        self._groups = groups
        self._client = new_client("elbv2", options)

    def weights(self) -> dict[str, int]:
        """The weight of each slot, by which requests are shared now; raises UnavailableError."""
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
