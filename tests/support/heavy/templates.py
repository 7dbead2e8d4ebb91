"""What the tests of the heavy tier's templates share: the model, and ways to find what belongs to it."""

from typing import Any


def heavy_model(rest: str = "", *, stable: int = 1) -> str:
    """The line of slipway.yaml for a heavy model; ``rest`` are more keys of it."""
    return f"  tiny-large: {{ tier: heavy, versions: [1, 2], stable: {stable}, {rest} }}"


def found(templates: Any, type_: str, prefix: str) -> dict[str, Any]:
    """The properties of the only resource of a type whose logical id begins with ``prefix``."""
    (properties,) = [r["Properties"] for name, r in templates.of_type(type_).items() if name.startswith(prefix)]
    return properties


def of_slot(templates: Any, type_: str, slot: str) -> dict[str, Any]:
    """The properties of a slot's only resource of a type; ``slot`` is Blue or Green."""
    return found(templates, type_, f"TinyLargeModel{slot}")


def container_of(templates: Any, slot: str) -> dict[str, Any]:
    """The only container of a slot's task."""
    (container,) = of_slot(templates, "AWS::ECS::TaskDefinition", slot)["ContainerDefinitions"]
    return container


def reference(slot: str, value: str) -> str:
    """The dynamic reference to a slot's version or weight."""
    return f"{{{{resolve:ssm:/tiny/tiny-large/{slot.lower()}/{value}}}}}"
