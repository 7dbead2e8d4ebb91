"""The stacks of a project."""

STACKS = ("state", "serving", "heavy", "shadow", "releases", "batch", "training")
"""The stacks that a project may have, each named ``{project}-{stack}``, in the order of a deploy."""


def stack_names(project: str) -> list[str]:
    """The names of all stacks that a project may have."""
    return [f"{project}-{stack}" for stack in STACKS]
