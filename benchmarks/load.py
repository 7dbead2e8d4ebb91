"""Loading a package beside opening its ONNX session alone.

What loads is what serves: `open_version`, which reads and validates the manifest, hashes every file, opens the graph
and makes the task with its tokenizer. Two floors, both of the same files: ONNX Runtime's session alone, which is what a
target names; and the session with the tokenizer, since no text is predicted without one and reading it is no work of
Slipway's. All in one process with everything imported, since imports are `cold_start`'s business, and with the files in
the disk's cache. Rounds take turns in which comes first. Wall time is what a start waits, and files are hashed on a
second processor where there is one; the processor's time is the sum, and what a machine with one of them waits.

    python -m benchmarks.load [FOLDER…] [--rounds 30]

Without a folder: every version of slipway.yaml that lies here.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.bundles import REPOSITORY, machine
from slipway.config import load_config
from slipway.models.package import Package, checking_package, load_package
from slipway.models.predictor import Predictor, open_session

ALLOWED = 1.2
Case = Callable[[], Any]
Times = dict[str, list[tuple[float, float]]]


def cases(package: Package) -> dict[str, Case]:
    """What is timed, by name."""
    graph = package.path(package.manifest.graph.file)
    found: dict[str, Case] = {"session": lambda: open_session(graph)}
    if package.manifest.tokenizer is not None:
        from tokenizers import Tokenizer

        file = str(package.path(package.manifest.tokenizer))
        found["session and tokenizer"] = lambda: (open_session(graph), Tokenizer.from_file(file))
    return {**found, "package": lambda: load(package.folder)}


def load(folder: Path) -> Predictor:
    """What `slipway.models.bundle.open_version` does, without a slipway.yaml around the package."""
    with checking_package(folder) as package:
        return Predictor(package)


def measure(package: Package, rounds: int) -> Times:
    """Seconds on the wall and of the processor for each; the first round is not counted."""
    timed = list(cases(package).items())
    taken: Times = {name: [] for name, _ in timed}
    for number in range(-1, rounds):
        for name, case in timed if number % 2 else reversed(timed):
            wall, processor = time.perf_counter(), time.process_time()
            case()
            if number >= 0:
                taken[name].append((time.perf_counter() - wall, time.process_time() - processor))
    return taken


def report(package: Package, taken: Times) -> None:
    manifest = package.manifest
    size = sum(entry.bytes for entry in manifest.files)
    print(f"{manifest.name} {manifest.version}, {size / 1e6:.1f} MB")
    ours = taken["package"]
    for name, values in taken.items():
        wall, processor = (1000 * statistics.median(column) for column in zip(*values, strict=True))
        ratios = [statistics.median(a[i] / b[i] for a, b in zip(ours, values, strict=True)) for i in (0, 1)]
        beside = "" if name == "package" else f"; the package takes {ratios[0]:.2f} x and {ratios[1]:.2f} x"
        print(f"  {name:22} {wall:8.2f} ms, {processor:8.2f} ms of the processor{beside}")


def found_here() -> Iterator[Path]:
    config = load_config(REPOSITORY / "slipway.yaml")
    for name, model in config.models.items():
        folders = (config.model_folder(REPOSITORY, name) / str(version) for version in model.versions)
        yield from (folder for folder in folders if folder.is_dir())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=30)
    given = parser.parse_args()
    print(f"Loading a package beside its session, {given.rounds} rounds in turn (allowed: {ALLOWED} x)")
    print(machine())
    for folder in given.folders or found_here():
        package = load_package(folder)
        report(package, measure(package, given.rounds))


if __name__ == "__main__":
    main()
