"""The arms of a bandit: their rewards by periods, their weights, and what is said of them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from slipway.config.releases.options import Bandit
from slipway.releases.evidence import tallies as keys
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.statistics.bandit import Arm, regret, weigh
from slipway.releases.statistics.clusters import design_effect
from slipway.releases.statistics.strata import Estimate, Strata


def weighed_arms(record: ReleaseRecord, options: Bandit) -> tuple[Arm, ...]:
    """The arms that have not been dropped, with their weights."""
    shares = dict(zip(record.candidates, record.shares, strict=True))
    live = {version: found for version, found in _rewards(record).items() if shares.get(version, 1.0)}
    # Outcomes of one user are alike, so that they are worth fewer independent ones.
    alike = design_effect(*(found for version in live if (found := record.clustered(version, keys.REWARD))))
    live = {version: replace(found, size=found.size / alike) for version, found in live.items()}
    return weigh(live, floor=options.floor, least=options.min_rewards)


def arm_lines(record: ReleaseRecord, arms: Iterable[Arm]) -> tuple[str, ...]:
    """A sentence on each arm, and the regret, for people."""
    return (*map(_sentence, arms), regret(_rewards(record)).sentence)


def whole_cycle(record: ReleaseRecord, options: Bandit) -> datetime:
    """When the rewards of a whole cycle count."""
    since = record.running_since or record.started_at
    return since + timedelta(minutes=options.cycle_minutes + options.delay_minutes)


def _rewards(record: ReleaseRecord) -> dict[int, Estimate]:
    """Each version's rewards by periods, also of those that have been dropped."""
    versions = (record.stable, *record.candidates)
    strata = record.strata.unpacked() if record.strata else Strata.empty(len(versions))
    return dict(zip(versions, strata.estimates(), strict=True))


def _sentence(arm: Arm) -> str:
    return (
        f"version {arm.version}: reward {arm.mean:.4f} over {arm.outcomes:,.0f} outcomes, best with probability "
        f"{arm.best:.3f}, {100 * arm.weight:.1f} % of the traffic"
    )
