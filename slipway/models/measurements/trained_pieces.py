"""The pieces of the texts that a version was trained on, from a file of them or from a baseline that has them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from slipway.errors import InputError
from slipway.models.manifest import Manifest
from slipway.models.measurements.baseline import Text, kind_of
from slipway.models.measurements.pieces import SeenPieces
from slipway.models.package import Package
from slipway.records.files import open_records
from slipway.records.rows import Row

_NONE: Mapping[str, str] = {}


def known_pieces(package: Package) -> dict[str, SeenPieces]:
    """The pieces of training texts by input, as a package's baseline has them; without those of validation texts."""
    found = ((name, summary) for name, summary in package.baseline.inputs.items() if isinstance(summary, Text))
    return {
        name: SeenPieces.load(summary.pieces.seen)
        for name, summary in found
        if summary.pieces is not None and summary.pieces.seen_by == "training"
    }


def read_trained_pieces(path: Path, manifest: Manifest, renamed: Mapping[str, str] = _NONE) -> dict[str, SeenPieces]:
    """The pieces of a file of training records, for each text input that has a column there.

    ``renamed`` has inputs' names by column. Rows that cannot be read are left out, as are all other columns.

    Raises:
        InputError: the file cannot be opened, or has no column of a text input.
    """
    names = [field.name for field in manifest.inputs if kind_of(field) == "text"]
    columns = {name: name for name in names} | {name: column for column, name in renamed.items() if name in names}
    found = {name: SeenPieces.of(_texts(path, column)) for name, column in columns.items()}
    read = {name: seen for name, seen in found.items() if not seen.is_empty}
    if not read:
        raise InputError.of("--training", f"{path.name} has no text in any of {', '.join(columns.values()) or 'none'}")
    return read


def _texts(path: Path, column: str) -> Iterator[str]:
    with open_records(path) as records:
        for row in records.rows:
            if isinstance(row, Row) and row.values.get(column) is not None:
                yield str(row.values[column])
