"""The resource types that MiniStack's CloudFormation refuses or half does; docs/local.md lists each with its reason."""

from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

from local.emulator.cloudformation import alarms, capacity, records, secrets, tables


def install() -> None:
    """Register every type with the MiniStack in this process."""
    for module in (alarms, capacity, records, secrets, tables):
        _RESOURCE_HANDLERS.update(module.handlers(_RESOURCE_HANDLERS))
