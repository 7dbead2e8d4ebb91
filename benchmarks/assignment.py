"""What following a release costs while serving: the time of an assignment, and the reads of the release table.

python -m benchmarks.assignment
"""

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from hashlib import blake2b

from slipway.config import parse_config
from slipway.releases.routing.assignment import assign
from slipway.releases.routing.release import Candidate, Release
from slipway.releases.routing.serving import Serving
from slipway.serving.prediction.live_releases import FRESH_SECONDS, LiveReleases
from tests.fakes.releases import MemoryReleaseStore

ROUNDS = 600
KEYS = 200


def main() -> None:
    """Print both."""
    for line in _assignment():
        print(line)
    print(_reads())


def _assignment() -> Iterator[str]:
    """Medians over short rounds in which all cases take turns, so that few rounds are interrupted by other work."""
    keys = [f"user-{number}" for number in range(KEYS)]
    salt = "model.1-2.20260101T000000"
    measured: dict[str, Callable[[str], object]] = {
        "the hash of a key alone": lambda key: blake2b(key.encode(), digest_size=8, key=salt.encode()).digest()
    }
    for versions in ((2,), (2, 3, 4, 5), (20, 40, 60, 80)):
        release = Release("m", 1, tuple(Candidate(version, 0.1) for version in versions), salt=salt)
        measured[f"assignment, version 1 and {', '.join(map(str, versions))}"] = partial(assign, release)
    rounds = [{name: _timed(once, keys) for name, once in measured.items()} for _ in range(ROUNDS)]
    taken = {name: statistics.median(each[name] for each in rounds) for name in measured}
    floor, *others = taken.items()
    yield f"{floor[0]}: {floor[1]:.2f} µs"
    for name, time_taken in others:
        yield f"{name}: {time_taken:.2f} µs a record, {time_taken / floor[1]:.1f} times that (under 5 µs)"
    yield f"{platform.machine()}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"


def _timed(once: Callable[[str], object], keys: Sequence[str]) -> float:
    """Microseconds per key."""
    started = time.perf_counter()
    for key in keys:
        once(key)
    return (time.perf_counter() - started) / len(keys) * 1e6


class _Counting(MemoryReleaseStore):
    """A release store that counts its reads."""

    reads = 0

    def serving(self, models: Iterable[str], *, consistent: bool = False) -> dict[str, Serving]:
        self.reads += 1
        return super().serving(models, consistent=consistent)


def _reads() -> str:
    """How often serving reads the table during a minute of 100 requests per second."""
    store, now = _Counting(), [0.0]
    config = parse_config("models: {m: {versions: [1, 2], stable: 1}}")
    releases = LiveReleases(config, store, clock=lambda: now[0])
    for number in range(6000):
        now[0] = number / 100
        releases.of("m")
    return (
        f"reads of the table in a minute of 6,000 requests to one process: {store.reads}, and none while the copy is "
        f"younger than {FRESH_SECONDS:g} s (a rollback within 15 s)"
    )


if __name__ == "__main__":
    main()
