"""Capacity providers of ECS, which MiniStack's service has but its CloudFormation lacks."""

import json
from collections.abc import Mapping
from typing import Any

from ministack.services import ecs
from ministack.services.cloudformation.provisioners import _pascal_to_camel

Properties = Mapping[str, Any]


def handlers(_existing: Mapping[str, Any]) -> dict[str, Any]:
    """The handlers of this module's types, in MiniStack's form."""
    return {
        "AWS::ECS::CapacityProvider": {"create": _create, "update": _update, "delete": _delete},
        "AWS::ECS::ClusterCapacityProviderAssociations": {"create": _associate, "delete": _dissociate},
    }


def _create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, dict[str, str]]:
    name = properties.get("Name") or f"{stack_name}-{logical_id}"
    _checked(ecs._create_capacity_provider({"name": name}))
    return name, {}


def _update(physical_id: str, *_: Any) -> tuple[str, dict[str, str]]:
    """Do nothing: only a provider's name is used here."""
    return physical_id, {}


def _delete(physical_id: str, _: Properties) -> None:
    ecs._delete_capacity_provider({"capacityProvider": physical_id})


def _associate(_: str, properties: Properties, __: str) -> tuple[str, dict[str, str]]:
    _checked(ecs._put_cluster_capacity_providers(_pascal_to_camel(dict(properties))))
    return properties["Cluster"], {}


def _dissociate(physical_id: str, _: Properties) -> None:
    ecs._put_cluster_capacity_providers({"cluster": physical_id})


def _checked(answer: tuple[int, Any, bytes]) -> None:
    if answer[0] >= 400:
        raise ValueError(json.loads(answer[2])["message"])
