"""The listener rules of a heavy model, which route requests to slots."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import cast

from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from infra.constructs.heavy.heavy_model import HeavyModel
from infra.constructs.heavy.slot_parameters import INITIAL_WEIGHTS, resolved
from slipway.config.heavy import SLOTS, Slot, version_paths

_PLACES = 16_000
"""A listener's priorities end at 50,000, and each model needs three."""


def first_priorities(models: Iterable[str]) -> Mapping[str, int]:
    """The first of each model's three priorities.

    They are derived from the model's name, so that adding or removing a model does not change those of others, which
    CloudFormation could not do one by one.
    """
    taken: dict[str, int] = {}
    for name in sorted(models):
        place = int(hashlib.sha256(name.encode()).hexdigest(), 16) % _PLACES
        while 3 * place + 1 in taken.values():
            place = (place + 1) % _PLACES
        taken[name] = 3 * place + 1
    return taken


class SlotRules(Construct):
    """Two rules that address a slot by its version, and one after them that splits the rest by weight.

    Versions and weights are references to the slots' parameters, so the template does not contain their values.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        project: str,
        model: HeavyModel,
        listener: elb.ApplicationListener,
        priority: int,
    ) -> None:
        super().__init__(scope, id_)
        self.own: dict[str, elb.ApplicationListenerRule] = {}
        for place, slot in enumerate(SLOTS):
            self.own[slot] = elb.ApplicationListenerRule(
                self,
                slot.capitalize(),
                listener=listener,
                priority=priority + place,
                conditions=[elb.ListenerCondition.path_patterns(_paths_of_version(project, model.name, slot))],
                action=elb.ListenerAction.forward([model.slots[slot].target_group]),
            )
        self.weighted = elb.ApplicationListenerRule(
            self,
            "Weighted",
            listener=listener,
            priority=priority + len(SLOTS),
            conditions=[elb.ListenerCondition.path_patterns(_paths_of_model(model.name))],
            action=elb.ListenerAction.weighted_forward(
                [
                    elb.WeightedTargetGroup(
                        target_group=model.slots[slot].target_group, weight=int(INITIAL_WEIGHTS[slot])
                    )
                    for slot in SLOTS
                ]
            ),
        )
        rule = cast("elb.CfnListenerRule", self.weighted.node.default_child)
        for place, slot in enumerate(SLOTS):
            weight = f"Actions.0.ForwardConfig.TargetGroups.{place}.Weight"
            rule.add_property_override(weight, resolved(project, model.name, slot, "weight"))


def _paths_of_version(project: str, model: str, slot: Slot) -> list[str]:
    return list(version_paths(model, resolved(project, model, slot, "version")))


def _paths_of_model(model: str) -> list[str]:
    return [
        path for protocol in ("v1", "v2") for path in (f"/{protocol}/models/{model}", f"/{protocol}/models/{model}/*")
    ]
