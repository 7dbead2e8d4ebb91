"""Time to load a package, beside opening only its ONNX session.

Loading is that of serving, `open_version`: it reads and validates the manifest, hashes every file, opens the graph and
creates the task with its tokenizer. There are two floors on the same files: ONNX Runtime's session alone, which the
target refers to, and the session with the tokenizer, which text needs in any case. Everything runs in one process with
all modules imported, because `cold_start` measures imports, and with the files in the disk cache. Rounds alternate in
order. Wall time is what a start waits; files are hashed on a second processor if there is one. Processor time is the
sum, which a machine with one processor waits.

    python -m benchmarks.package_load [FOLDER…] [--rounds 30]

Without a folder: every version of slipway.yaml that lies here.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.bundles import REPOSITORY, machine
from slipway.config import load_local
from slipway.models.package import Package, checking_package, load_package
from slipway.models.prediction.predictor import Predictor, open_session

ALLOWED = 1.2
Case = Callable[[], Any]
Times = dict[str, list[tuple[float, float]]]


def cases(package: Package) -> dict[str, Case]:
    """The cases to time, by name."""
    graph = package.path(package.manifest.graph.file)
    found: dict[str, Case] = {"session": lambda: open_session(graph)}
    if package.manifest.tokenizer is not None:
        from tokenizers import Tokenizer

        file = str(package.path(package.manifest.tokenizer))
        found["session and tokenizer"] = lambda: (open_session(graph), Tokenizer.from_file(file))
    return {**found, "package": lambda: load(package.folder)}


def load(folder: Path) -> Predictor:
    """Load like `slipway.models.bundle.open_version`, but without a slipway.yaml."""
    with checking_package(folder) as package:
        return Predictor(package)


def measure(package: Package, rounds: int) -> Times:
    """Wall and processor time of each case in seconds; the first round is not counted."""
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
    config = load_local(REPOSITORY / "slipway.yaml")
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
