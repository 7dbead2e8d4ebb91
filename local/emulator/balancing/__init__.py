"""What MiniStack's load balancer lacks: weights, target health, VPC links from an API, and who calls through them."""

from local.emulator.balancing import callers, health, links, weights


def install() -> None:
    """Install all of it in this process's MiniStack."""
    for module in (weights, health, links, callers):
        module.install()
