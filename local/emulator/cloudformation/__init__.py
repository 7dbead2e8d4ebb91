"""Resource types that MiniStack's CloudFormation refuses or half supports; docs/local.md lists them with reasons."""

from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

from local.emulator.cloudformation import alarms, capacity, records, secrets, tables


def install() -> None:
    """Register every type with this process's MiniStack."""
    for module in (alarms, capacity, records, secrets, tables):
        _RESOURCE_HANDLERS.update(module.handlers(_RESOURCE_HANDLERS))
