"""Traffic that is not independent requests of equal users: bunches, dispersion, cold starts, and users with tastes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from slipway.releases.simulation.traffic.pattern import Bursts, Noise, Traffic
from slipway.releases.simulation.traffic.users import Client, Users


@dataclass(frozen=True, slots=True)
class Condition:
    """One way in which traffic differs from independent requests."""

    name: str
    traffic: Traffic
    what: str


def bunched(traffic: Traffic) -> Iterator[Condition]:
    """Disturbances of single minutes, in each version by itself."""
    found = {
        "bursts": (Noise(bursts=Bursts()), "fails 5 % for two minutes twice a day, as the stable one does by itself"),
        "dispersed": (Noise(dispersion=5), "failures of each minute vary by a Gamma factor of shape 0.2"),
        "dispersed-mild": (Noise(dispersion=0.2), "failures of each minute vary by a Gamma factor of variance 0.2"),
        "latency-noise": (Noise(latency=0.2), "latencies of each minute vary by a factor of 20 % either way"),
        "cold-start": (Noise(cold_start=(3, 10)), "3 to 10 times as slow in the first minute"),
        "cold-five": (Noise(cold_start=(3, 10), cold_minutes=5.0), "3 to 10 times as slow in the first five minutes"),
    }
    for name, (noise, what) in found.items():
        yield Condition(name, replace(traffic, noise=noise), f"no difference, {what}")


def by_users(traffic: Traffic) -> Iterator[Condition]:
    """Users who are not alike."""
    found = {
        "client": (
            Users(client=Client(0.3, slower=1.5, label="neutral", rewards=0)),
            "one client sends 30 % of the requests, all of one label, slower, and without rewards",
        ),
        "zipf": (Users(zipf=1), "2,000 users with tastes of their own; the n-th sends 1/n of what the first does"),
        "failing-user": (Users(client=Client(0.005, errors=1)), "one user sends 0.5 % of the requests; all fail"),
    }
    for name, (users, what) in found.items():
        yield Condition(name, replace(traffic, users=users), f"no difference, {what}")
