"""The container app over HTTP, beside the floor: the same records through tokenizer and graph without a server.

wrk (Debian: `apt-get install wrk`) sends the records in turn from 1, 8 and 64 clients, then at three times the maximum
rate. Floor, server and peer take turns, each measured `--rounds` times. The best of each counts, because other work on
the machine can only slow it down; beside it is the median of the rounds' own ratios, which is robust against moments of
a faster machine. Latencies are those of the clients, without wrk's correction for coordinated omission.

    python -m benchmarks.serving [--model NAME --version N --root FOLDER] [--texts FILE.tsv] [--seconds 10] [--memory]
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeVar

from benchmarks.bundles import REPOSITORY, compile_all, local_root, machine
from benchmarks.serving_bare import bare_command
from benchmarks.serving_floor import Floor, measure_floor
from benchmarks.serving_load import Load, Server, container_command, drive, need_wrk
from slipway.config import load_config
from slipway.models.bundle import load_version
from slipway.models.manifest import Record
from slipway.models.measurements.sampling import sample_records
from slipway.models.package import Package
from slipway.serving.batching.processors import available_processors

CLIENTS = (1, 8, 64)
OVERLOAD = 3
OVERLOAD_CONNECTIONS = 512
LIGHT_ALLOWED = 1.0
PROCESSOR_ALLOWED = 0.85

First = TypeVar("First")
Second = TypeVar("Second")


@dataclass(frozen=True)
class Subject:
    """The version to measure, and the file of request bodies for it."""

    root: Path
    package: Package
    records: Sequence[Record]
    bodies: Path

    @property
    def path(self) -> str:
        return f"/v1/models/{self.package.manifest.name}/predict"


def find_subject(root: Path, model: str, version: int, texts: Path | None, scratch: Path) -> Subject:
    """Load the version, with the column `text` of a TSV or with records made from its baseline."""
    root = local_root(root, scratch)
    package = load_version(load_config(root / "slipway.yaml"), root, model, version)
    fields = [field.name for field in package.manifest.inputs]
    if texts is not None and len(fields) == 1:
        lines = texts.read_text(encoding="utf-8").splitlines()
        column = lines[0].split("\t").index("text")
        records: Sequence[Record] = [{fields[0]: line.split("\t")[column]} for line in lines[1:]]
    else:
        records = sample_records(package)
    bodies = scratch / f"{model}.jsonl"
    bodies.write_text("".join(json.dumps({"inputs": [record]}) + "\n" for record in records), encoding="utf-8")
    return Subject(root, package, records, bodies)


def measure_server(subject: Subject, rounds: int, seconds: int) -> None:
    """Measure floor, server, overload and peer in turns, so that other load on the machine affects all alike."""
    floors: list[Floor] = []
    loads: dict[int, list[Load]] = {clients: [] for clients in CLIENTS}
    bare: dict[int, list[Load]] = {clients: [] for clients in CLIENTS}
    one: list[Load] = []
    overloads: list[Load] = []
    starts: list[float] = []
    for _ in range(rounds):
        floors.append(measure_floor(subject.package, subject.records, seconds))
        with Server(container_command(), subject.root, subject.package) as server:
            starts.append(server.seconds_to_ready)
            for clients in CLIENTS:
                loads[clients].append(drive(server, subject.path, subject.bodies, clients, seconds))
            overloads.append(overload(server, subject, loads[64][-1], seconds))
        with Server(bare_command(subject.package, available_processors()), subject.root, subject.package) as server:
            for clients in CLIENTS:
                bare[clients].append(drive(server, subject.path, subject.bodies, clients, seconds))
        with Server(bare_command(subject.package), subject.root, subject.package) as server:
            one.append(drive(server, subject.path, subject.bodies, 64, seconds))
    report(floors, loads)
    report_peer(bare, loads)
    report_processor(one, loads[64])
    print(f"  start to ready    {min(starts):.2f} s (allowed: 3)")
    report_overload(overloads, loads[64])


def report(floors: Sequence[Floor], loads: dict[int, list[Load]]) -> None:
    """Print each figure beside its limit."""
    best = max(floor.best_per_second for floor in floors)
    fastest = min(floor.median_ms for floor in floors)
    for name in floors[0].per_second:
        print(f"  floor, {name:28} {max(floor.per_second[name] for floor in floors):8.1f} records/s")
    print(f"  floor, one record alone             {fastest:8.3f} ms")
    for clients, found in loads.items():
        load = max(found, key=lambda load: load.accepted_per_second)
        print(f"  {clients:2} clients {load.described()}, {load.accepted_per_second / best:.0%} of the floor's best")
    alone = min(load.percentile(50) for load in loads[1])
    busy = max(loads[64], key=lambda load: load.accepted_per_second)
    most = busy.accepted_per_second / best
    over = paired(loads[1], floors, lambda load, floor: load.percentile(50) - floor.median_ms)
    share = paired(loads[64], floors, lambda load, floor: load.accepted_per_second / floor.best_per_second)
    print(f"  1 client, median over the floor's   {alone - fastest:8.3f} ms, by rounds {over:.3f} ms (allowed: 0.4)")
    print(f"  64 clients, of the floor's best     {most:8.1%}, by rounds {share:.1%} (at least: 85 %)")
    print(f"  64 clients, p99 / p50               {busy.percentile(99) / busy.percentile(50):8.2f} (allowed: 1.6)")


def report_peer(bare: dict[int, list[Load]], loads: dict[int, list[Load]]) -> None:
    """Print the figures of FastAPI with the graph in its endpoint, the peer to beat at every number of clients."""
    for clients, found in bare.items():
        load = max(found, key=lambda load: load.accepted_per_second)
        ahead = paired(loads[clients], found, lambda own, other: own.accepted_per_second / other.accepted_per_second)
        described = f"{load.described()} of FastAPI, one worker a processor"
        print(f"  {clients:2} clients {described}; the container has {ahead:.1%} of it by rounds")


def report_processor(one: Sequence[Load], loads: Sequence[Load]) -> None:
    """Print the processor time of a request at 64 clients, which noise moves least, beside one FastAPI worker's."""
    ours, peers = (median(load.processor_ms for load in found) for found in (loads, one))
    ratio = paired(loads, one, lambda own, other: own.processor_ms / other.processor_ms)
    print(f"  64 clients, processor a request     {ours:8.2f} ms, one FastAPI worker {peers:.2f} ms")
    print(f"  of the FastAPI worker's, by rounds  {ratio:8.2f} (allowed: {PROCESSOR_ALLOWED})")


def paired(first: Sequence[First], second: Sequence[Second], ratio: Callable[[First, Second], float]) -> float:
    """The median of the rounds' ratios."""
    return median(map(ratio, first, second))


def report_overload(overloads: Sequence[Load], full: Sequence[Load]) -> None:
    """Print the best round of overload beside the best at full load."""
    carried = max(full, key=lambda load: load.accepted_per_second)
    over = max(overloads, key=lambda load: load.accepted_per_second)
    offered = (over.accepted_per_second + over.refused_per_second) / carried.accepted_per_second
    print(f"  overload: {offered:.1f} times the maximum rate is offered; {over.described()}")
    goodput = over.accepted_per_second / carried.accepted_per_second
    by_rounds = paired(overloads, full, lambda over, full: over.accepted_per_second / full.accepted_per_second)
    print(f"  goodput of the maximum              {goodput:8.1%}, by rounds {by_rounds:.1%} (at least: 85 %)")
    # wrk mixes the latencies of both kinds; refusals are quick, so the slowest are those of accepted requests.
    slowest = over.percentile_of_slowest(99, over.accepted)
    print(f"  p99 of the accepted / at full load  {slowest / carried.percentile(99):8.2f} (allowed: 2)")


def overload(server: Server, subject: Subject, full: Load, seconds: int) -> Load:
    """Offer three times the server's maximum rate from independent clients."""
    # A connection's interval is the pause plus the response time: about zero if refused, about the median if accepted.
    between = 1000 * OVERLOAD_CONNECTIONS / (OVERLOAD * full.accepted_per_second)
    pause = max(1.0, between - full.percentile(50) / OVERLOAD)
    return drive(server, subject.path, subject.bodies, OVERLOAD_CONNECTIONS, seconds, pause_ms=pause)


def measure_light(subject: Subject, rounds: int, seconds: int) -> None:
    """Measure a dense light model in the container app beside a bare FastAPI endpoint, with 64 clients."""
    rates: dict[str, float] = {"container": 0.0, "bare FastAPI": 0.0}
    processor: dict[str, list[float]] = {name: [] for name in rates}
    for _ in range(rounds):
        for name, command in (("container", container_command()), ("bare FastAPI", bare_command(subject.package))):
            with Server(command, subject.root, subject.package) as server:
                load = drive(server, subject.path, subject.bodies, 64, seconds)
            rates[name] = max(rates[name], load.accepted_per_second)
            processor[name].append(load.processor_ms)
    for name, rate in rates.items():
        used = median(processor[name])
        print(f"  {name:17} {rate:8.0f} requests/s at 64 clients, {used:.3f} ms of processor each")
    ratio = rates["container"] / rates["bare FastAPI"]
    print(f"  ratio             {ratio:8.2f} (at least: {LIGHT_ALLOWED})")


def measure_memory(subject: Subject, requests: int, seconds: int) -> None:
    """Print the resident memory after each tenth of the requests."""
    with Server(container_command(), subject.root, subject.package) as server:
        answered, resident = 0, [server.rss_megabytes()]
        for tenth in range(1, 11):
            while answered < requests * tenth / 10:
                answered += drive(server, subject.path, subject.bodies, 64, seconds).accepted
            resident.append(server.rss_megabytes())
    print(f"  memory over {answered} requests: {' '.join(f'{each:.1f}' for each in resident)} MiB")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=REPOSITORY, help="the folder of slipway.yaml")
    parser.add_argument("--model", default="tweet-sentiment-large")
    parser.add_argument("--version", type=int, default=1)
    parser.add_argument("--texts", type=Path, help="a TSV with a column `text`; without it, records of the baseline")
    parser.add_argument("--light", default="breast-cancer", help="a model of numbers, to compare with bare FastAPI")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--memory", action="store_true", help="also measure memory over --requests")
    parser.add_argument("--requests", type=int, default=200_000)
    return parser.parse_args()


def main() -> None:
    given = parsed()
    need_wrk()
    compile_all()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        heavy = find_subject(given.root, given.model, given.version, given.texts, scratch)
        print(f"{given.model} {given.version} in the container, {len(heavy.records)} records in turn")
        print(machine())
        measure_server(heavy, given.rounds, given.seconds)
        light = find_subject(REPOSITORY, given.light, 1, None, scratch)
        print(f"{given.light} 1 in the container beside a bare FastAPI endpoint")
        measure_light(light, given.rounds, given.seconds)
        if given.memory:
            measure_memory(heavy, given.requests, given.seconds)
    print(machine())


if __name__ == "__main__":
    main()
