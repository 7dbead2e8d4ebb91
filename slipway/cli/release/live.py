"""The shares of traffic that versions have at this moment."""

from slipway.cli.release.target import ReleaseTarget
from slipway.errors import NotFoundError, UnavailableError
from slipway.releases.record.document import ReleaseRecord


def live_shares(target: ReleaseTarget, record: ReleaseRecord) -> dict[int, float] | None:
    """The live share of each version of a release, or None if the slots cannot be asked.

    Functions answer as the record says.
    """
    if record.tier == "light":
        return recorded_shares(record)
    try:
        return slot_shares(target, record.model)
    except (NotFoundError, UnavailableError):
        return None


def recorded_shares(record: ReleaseRecord) -> dict[int, float]:
    """The share of each version by the record that the functions read."""
    release = record.serving
    candidates = {each.version: each.share for each in release.candidates}
    return {release.stable: 1 - sum(candidates.values()), **candidates}


def slot_shares(target: ReleaseTarget, model: str) -> dict[int, float]:
    """The share of each version by the weights of a heavy model's slots."""
    from slipway.releases.controller.listener import SlotBalancer
    from slipway.releases.controller.parameters import SlotParameters

    options = target.deployment.options
    parameters = SlotParameters(target.config.project, options)
    names = parameters.names(model)
    weights = SlotBalancer(names.rule, names.groups, options).weights()
    versions = parameters.versions(model)
    total = sum(weights.values()) or 1
    shares: dict[int, float] = {}
    for slot, weight in weights.items():
        shares[versions[slot]] = shares.get(versions[slot], 0.0) + weight / total
    return shares
