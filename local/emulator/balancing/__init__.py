"""The load balancer's data plane where MiniStack's falls short: weights, health of targets, links from an API."""

from local.emulator.balancing import health, links, weights


def install() -> None:
    """Supply all of it to the MiniStack in this process."""
    for module in (weights, health, links):
        module.install()
