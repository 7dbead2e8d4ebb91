"""Print the table of docs/models.md in Markdown, one row per shipped package.

Quality in time is from the manifests: macro recall on the last year, by the same recipe trained on the years before.
With ``--data``, a folder with train.tsv and val.tsv, another column is measured: macro recall on the rows of val.tsv
that train.tsv does not have, each predicted alone. Latency is that of `Predictor.predict` for one record with one
thread, including tokenization, over sampled records or those rows. Memory is the peak of a fresh process that predicts.

    python -m benchmarks.models [--data FOLDER] [--model NAME…] [--seconds 5]
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.bundles import REPOSITORY, machine
from slipway.config import load_local, metric_name
from slipway.models.gates.labelled import Labelled, read_labelled
from slipway.models.gates.measure import measure, size_of
from slipway.models.gates.quality import quality
from slipway.models.measurements.sampling import sample_records
from slipway.models.package import Package, load_package
from slipway.models.prediction.predictor import Predictor

_METRIC = "macro_recall"
_IN_TIME = "rows, by the recipe trained on the years before"
_ABSENT = "–"


def stated_in_time(package: Package) -> str:
    """Macro recall on a split in time if there is one, else the first in the manifest."""
    found = [item for item in package.manifest.quality if metric_name(item.metric) == _METRIC]
    in_time = [item for item in found if item.data.endswith(_IN_TIME)]
    return f"{(in_time or found)[0].value:.3f}" if found else _ABSENT


def unseen(folder: Path, package: Package) -> Labelled:
    """The rows of val.tsv whose text is not in train.tsv."""
    seen = {record["text"] for record in read_labelled(folder / "train.tsv", package.manifest).records}
    rows = read_labelled(folder / "val.tsv", package.manifest)
    kept = [index for index, record in enumerate(rows.records) if record["text"] not in seen]
    return replace(rows, records=[rows.records[i] for i in kept], labels=[rows.labels[i] for i in kept])


def row(package: Package, tier: str, data: Path | None, seconds: float) -> list[str]:
    """The cells of one package's row."""
    manifest = package.manifest
    rows = unseen(data, package) if data and manifest.task == "text-classification" else None
    records = rows.records if rows else sample_records(package)
    found = measure(package, records, seconds=seconds)
    here = _ABSENT
    if rows:
        predictor = Predictor(package)
        outputs = [output for record in rows.records for output in predictor.predict([record])]
        here = f"{quality(manifest, outputs, rows.labels)[_METRIC]:.3f}"
    cells = [manifest.name, str(manifest.version), tier, f"{size_of(package):,}", stated_in_time(package)]
    latency = [f"{found.latency.median_ms:.3f}", f"{found.latency.p99_ms:.3f}"]
    return [*cells, *([here] if data else []), *latency, f"{found.memory_mb:.0f}"]


def shipped(names: Sequence[str]) -> Iterator[tuple[Package, str]]:
    """Each version of slipway.yaml that is on this machine, with its tier."""
    config = load_local(REPOSITORY / "slipway.yaml")
    for name, model in config.models.items():
        for version in model.versions if not names or name in names else ():
            folder = config.model_folder(REPOSITORY, name) / str(version)
            if folder.is_dir():
                yield load_package(folder), model.tier


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--seconds", type=float, default=5.0)
    given = parser.parse_args()
    print(machine(), file=sys.stderr)
    columns = ["model", "version", "tier", "package, bytes", "macro recall in time"]
    columns += ["macro recall, unseen rows of val.tsv"] if given.data else []
    columns += ["median, ms", "p99, ms", "memory, MB"]
    print(f"| {' | '.join(columns)} |")
    print(f"|{' --- |' * len(columns)}")
    for package, tier in shipped(given.model):
        print(f"| {' | '.join(row(package, tier, given.data, given.seconds))} |", flush=True)


if __name__ == "__main__":
    main()
