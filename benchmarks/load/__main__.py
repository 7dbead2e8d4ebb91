"""Hold mixed traffic on both tiers of an embedded AWS, through its API, and print errors, latencies and memory.

    python -m benchmarks.load [--minutes 10] [--rate 10] [--clients 64] [--seed 1] [--json FILE]

It starts an embedded AWS of its own in a temporary folder with the project of this checkout, as `make run` does, the
console included. Requests arrive as a Poisson process of `--rate` a second, whatever becomes of the earlier ones, and a
latency counts from the time at which a request was due. The same seed gives the same requests at the same times. An A/B
test of `tweet-sentiment` by text runs all the time; in runs of at least five minutes, a canary of `flight-delay` starts
after a quarter of the time and must end promoted.

The exit code is 1 if a request was answered unexpectedly, a process grows by more than its bound, a log has an error,
the canary is not promoted, or a sticky value is answered by two versions. The figures are those of the embedded AWS on
this machine, where all processes share its processors: they say nothing about an account's latencies.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bundles import REPOSITORY, machine
from benchmarks.load.client import Plan, read_outcomes
from benchmarks.load.embedding import embedded
from benchmarks.load.findings import Bounds, Findings, by_kind, judged, processor_by_kind
from benchmarks.load.logs import Logs
from benchmarks.load.outcomes import Outcome, moved_keys
from benchmarks.load.processes import Sampler, Watched
from benchmarks.load.releasing import CANARY, PROMOTED, STICKY, Releases, running_span
from benchmarks.load.report import as_json, lines
from benchmarks.load.requests import FLIGHTS, LIGHT
from local.environment.state import State

CONFIG = REPOSITORY / "slipway.yaml"
_CANARY_FROM_MINUTES = 5.0
_CANARY_AFTER = 0.25
_CANARY_VERSION, _STICKY_VERSION = 2, 2
_LOOK_SECONDS = 15.0
_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Run:
    """What a run has recorded; ``spans`` is the time in which the sticky release kept to its shares."""

    begun: float
    outcomes: Sequence[Outcome]
    watched: Sequence[Watched]
    log_errors: Sequence[str]
    span: tuple[float, float] | None
    release: str | None


def measure(folder: Path, given: argparse.Namespace) -> Run:
    """Start an embedded AWS in a folder, hold the load on it, and stop it."""
    outcomes, start = str(folder / "outcomes.jsonl"), str(folder / "start")
    with embedded(folder, console=0) as state:
        return hold(
            folder, state, Plan(state.api, given.rate, 60 * given.minutes, given.seed, given.clients, outcomes, start)
        )


def hold(folder: Path, state: State, plan: Plan) -> Run:
    """Run the client to its end beside the sampler and the releases."""
    releases = Releases(folder, CONFIG)
    releases.start(LIGHT, _STICKY_VERSION, "ab", STICKY)
    plan.write(folder / "plan.json")
    client = subprocess.Popen([sys.executable, "-m", "benchmarks.load.client", str(folder / "plan.json")])
    try:
        begun = await_start(client, Path(plan.start))
        logs = Logs(folder / ".slipway", state)
        with Sampler(state, client.pid).running() as sampler:
            released = watch(client, begun, plan, releases, logs)
        logs.look()
    finally:
        client.kill()
        client.wait()
    span = running_span(releases.record(LIGHT))
    release = releases.record(FLIGHTS)["phase"] if released else None
    return Run(begun, read_outcomes(Path(plan.outcomes)), sampler.watched, logs.errors, span, release)


def await_start(client: subprocess.Popen[bytes], start: Path) -> float:
    """Wait until the client has warmed everything up; returns the time from which its arrivals count."""
    print("Warming up", flush=True)
    while not start.exists():
        if client.poll() is not None:
            raise SystemExit(f"the client ended with {client.returncode}")
        time.sleep(_POLL_SECONDS)
    return float(start.read_text(encoding="utf-8"))


def watch(client: subprocess.Popen[bytes], begun: float, plan: Plan, releases: Releases, logs: Logs) -> bool:
    """Look at the logs until the client ends, and start the canary in between; returns whether it was started."""
    print(f"Holding {plan.rate:g} requests/s for {plan.seconds / 60:g} minutes", flush=True)
    due = begun + _CANARY_AFTER * plan.seconds if plan.seconds >= 60 * _CANARY_FROM_MINUTES else float("inf")
    released = False
    while True:
        try:
            client.wait(_LOOK_SECONDS)
            break
        except subprocess.TimeoutExpired:
            logs.look()
        if not released and time.time() >= due:
            releases.start(FLIGHTS, _CANARY_VERSION, "canary", CANARY)
            released = True
    if client.returncode != 0:
        raise SystemExit(f"the client ended with {client.returncode}")
    return released


def found(run: Run, seconds: float, bounds: Bounds) -> Findings:
    """Make findings of what a run has recorded."""
    kinds = by_kind(run.outcomes, seconds)
    processes = judged(run.watched, run.begun, len(run.outcomes) / seconds, bounds)
    unexpected = Counter(f"{each.kind}: {each.status} {each.said}" for each in run.outcomes if not each.expected)
    return Findings(
        seconds=seconds,
        kinds=kinds,
        processor_ms=processor_by_kind(kinds, processes),
        cached=sum(each.cached for each in run.outcomes),
        processes=processes,
        unexpected=dict(unexpected.most_common()),
        moved=moved_keys(run.outcomes, *run.span) if run.span else [],
        log_errors=list(run.log_errors),
        release=run.release or "not started in so short a run",
        released=run.release in (None, PROMOTED),
    )


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=10.0, help="requests a second")
    parser.add_argument("--clients", type=int, default=64, help="connections; requests wait while all are in use")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--growth", type=float, default=1.0, help="MiB a minute that a process may grow by")
    parser.add_argument("--stored", type=float, default=8.0, help="KiB a request that the emulator may add to that")
    parser.add_argument("--json", type=Path, help="write the findings to this file, too")
    return parser.parse_args()


def main() -> int:
    given = parsed()
    before = machine()
    with tempfile.TemporaryDirectory(prefix="slipway-load-") as folder:
        run = measure(Path(folder), given)
    findings = found(run, 60 * given.minutes, Bounds(given.growth, given.stored))
    conditions = {
        "before": before,
        "after": machine(),
        **{name: getattr(given, name) for name in ("minutes", "rate", "clients", "seed", "growth", "stored")},
    }
    print(*conditions.items(), sep="\n")
    print(*lines(findings), sep="\n")
    if given.json:
        given.json.write_text(as_json(findings, conditions) + "\n", encoding="utf-8")
    return 1 if findings.problems else 0


if __name__ == "__main__":
    sys.exit(main())
