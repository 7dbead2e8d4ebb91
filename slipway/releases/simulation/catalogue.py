"""The named scenarios of `slipway release simulate`, by strategy."""

from collections.abc import Sequence

from slipway.config.releases.options import AbTest, Bandit, Interleave, Options
from slipway.errors import NotFoundError
from slipway.releases.simulation.experiment_scenarios import experiments, stable_of
from slipway.releases.simulation.release_scenarios import releases
from slipway.releases.simulation.scenarios import Named
from slipway.releases.simulation.traffic.behaviour import Behaviour
from slipway.releases.simulation.traffic.pattern import Traffic


def find_scenarios(
    names: Sequence[str], options: Options, traffic: Traffic, *, stable: Behaviour | None = None, arms: int = 2
) -> list[Named]:
    """The scenarios of a strategy by name, by default all of them; raises NotFoundError for an unknown name."""
    stable = stable or stable_of(options)
    if isinstance(options, AbTest | Bandit | Interleave):
        every = experiments(options, traffic, stable, arms=arms)
    else:
        every = releases(traffic, stable)
    known = {each.scenario.name: each for each in every}
    for name in names:
        if name not in known:
            raise NotFoundError(f"scenario of {options.strategy}", name, known)
    return [known[name] for name in names] if names else list(known.values())
