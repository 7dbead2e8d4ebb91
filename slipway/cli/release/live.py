"""A release at this moment: the shares of traffic that versions have, and the verdict on them."""

from collections.abc import Mapping
from dataclasses import dataclass

from slipway.cli.release.target import ReleaseTarget
from slipway.errors import NotFoundError, SlipwayError, UnavailableError
from slipway.releases.controller.reconciler import Controller
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.strategies.decide import Decision, decide


@dataclass(frozen=True, slots=True)
class Look:
    """A release as it is now: the live shares, the decision that the evidence leads to, and why there is none."""

    record: ReleaseRecord
    shares: Mapping[int, float] | None = None
    decision: Decision | None = None
    problem: str | None = None


def look(record: ReleaseRecord, controller: Controller) -> Look:
    """Look at a release with the evidence of now, without changing anything."""
    try:
        evidence = controller.observe(record)
    except SlipwayError as error:
        return Look(record, problem=str(error))
    return Look(record, evidence.observed.shares or recorded_shares(record), decide(record, evidence, controller.now()))


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
