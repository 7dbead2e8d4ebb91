"""What MiniStack's load balancer lacks: weights, target health, and VPC links from an API."""

from local.emulator.balancing import health, links, weights


def install() -> None:
    """Install all of it in this process's MiniStack."""
    for module in (weights, health, links):
        module.install()
