"""Resource types that MiniStack's CloudFormation refuses or half supports; docs/local.md lists them with reasons."""

from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

from local.emulator.cloudformation import alarms, capacity, records, secrets, stack_events, tables


def install() -> None:
    """Register every type with this process's MiniStack, and have it publish what becomes of resources."""
    stack_events.install()
    for module in (alarms, capacity, records, secrets, tables):
        _RESOURCE_HANDLERS.update(module.handlers(_RESOURCE_HANDLERS))
