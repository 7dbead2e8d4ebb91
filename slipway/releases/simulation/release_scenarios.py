"""The scenarios for shadows, and for strategies that end with one version taking all traffic."""

from collections.abc import Iterator
from dataclasses import replace

from slipway.releases.simulation.scenarios import Named, Scenario
from slipway.releases.simulation.traffic.behaviour import Behaviour
from slipway.releases.simulation.traffic.conditions import bunched, by_users
from slipway.releases.simulation.traffic.pattern import Traffic

_BEARS = 0.25
_HOURLY = 60.0


def releases(traffic: Traffic, stable: Behaviour) -> tuple[Named, ...]:
    """Good and bad candidates beside a stable version."""
    return (*_good(traffic, stable), *_bad(traffic, stable), *_scarce(traffic, stable))


def _good(traffic: Traffic, stable: Behaviour) -> Iterator[Named]:
    def alike(name: str, into: Traffic, what: str, *, all_day: bool = True) -> Named:
        return Named(Scenario(name, (stable,), stable=stable, traffic=into), what, all_day=all_day)

    yield alike("identical", traffic, "no difference, looked at all day")
    daily = replace(traffic, daily=0.8)
    yield alike("daily-cycle", daily, "no difference, traffic that moves over the day by 80 % either way")
    for condition in (*bunched(traffic), *by_users(traffic)):
        yield alike(condition.name, condition.traffic, condition.what)
    outage = replace(traffic, outage=(5, 25))
    yield alike("outage", outage, "no difference, and something shared fails 60 % for 20 minutes", all_day=False)
    within = replace(stable, errors=stable.errors + 0.002)
    what = f"fails {_percent(within.errors)}, stable {_percent(stable.errors)}"
    yield Named(Scenario("within", (within,), stable=stable, traffic=traffic), what)


def _bad(traffic: Traffic, stable: Behaviour) -> Iterator[Named]:
    def named(name: str, candidate: Behaviour, what: str, *, all_day: bool = False) -> Named:
        beside = replace(stable, labels=candidate.labels) if not candidate.labels else stable
        return Named(Scenario(name, (candidate,), stable=beside, traffic=traffic), what, all_day=all_day)

    failing = replace(stable, errors=min(stable.errors + 0.049, 1.0))
    yield named("errors", failing, f"fails {_percent(failing.errors)}, stable {_percent(stable.errors)}")
    yield named("broken", replace(stable, errors=1.0), "fails everything")
    yield named(
        "overloaded", replace(stable, bears=_BEARS), f"fails everything above {100 * _BEARS:g} % of the traffic"
    )
    yield named("slow", stable.slower(2), "takes twice as long")
    yield named("slow-tail", replace(stable, p99_ms=3 * stable.p99_ms), "p99 three times as long, p50 the same")
    last = {label: float(label == list(stable.labels)[-1]) for label in stable.labels}
    yield named("one-label", replace(stable, labels=last, disagrees=0.7), "answers everything with one label")
    priced = replace(stable, labels={})
    mean = replace(priced, value_spread=0.001, disagrees=0.87)
    yield named("one-value", mean, "a regression that answers everything with the mean")
    higher = replace(priced, value=1.2 * priced.value, disagrees=1.0)
    yield named("shifted", higher, "a regression whose values are 20 % higher")
    wrong = replace(stable, wrong=min(stable.wrong + 0.1, 1.0), disagrees=0.15)
    what = f"wrong in {_percent(wrong.wrong)}, stable {_percent(stable.wrong)}; {_percent(traffic.feedback)} labelled"
    yield named("wrong", wrong, f"{what}, hours late", all_day=True)


def _scarce(traffic: Traffic, stable: Behaviour) -> Iterator[Named]:
    def named(name: str, candidate: Behaviour, into: Traffic, what: str) -> Named:
        return Named(Scenario(name, (candidate,), stable=stable, traffic=into), what)

    broken, low = replace(stable, errors=1.0), replace(traffic, rps=_HOURLY / 3600)
    yield named("quiet", stable, replace(traffic, rps=traffic.rps / 100), "no difference, 1 % of the traffic")
    yield named("stopping", stable, replace(traffic, stops=6), "no difference, and the traffic stops after six minutes")
    yield named("low-broken", broken, low, f"fails everything, {_HOURLY:g} requests an hour")
    apart = replace(low, alternate=True)
    yield named("alternating", broken, apart, "the same, and never in the same minute as the stable version")
    yield named("silent", stable, replace(traffic, silent=True), "no metric of the candidate ever arrives")


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
