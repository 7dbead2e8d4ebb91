"""The profile of a file of records, as the window of `slipway monitor drift --file`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from slipway.errors import InputError
from slipway.models.missing_values import Column, file_record
from slipway.models.package import Package
from slipway.monitoring.profiles.making import CHUNK, VersionBins, VersionCounting
from slipway.monitoring.profiles.profile import Profile
from slipway.records.files import open_records
from slipway.records.rows import Records, Refusal

_OPTION = "--file"


def profile_of_file(package: Package, path: Path) -> Profile:
    """The profile of the inputs that a CSV, JSON Lines or Parquet file has, in memory that does not grow with it.

    Raises:
        InputError: the file or a row cannot be read, or it has no column that the version takes, or no rows.
    """
    counting = VersionCounting(VersionBins.of(package))
    fields = {field.name: Column(field.type, field.nullable) for field in package.manifest.inputs}
    with open_records(path) as file:
        names = set(file.columns) & set(fields) if file.columns is not None else set(fields)
        if not names:
            message = f"{file.name} has no column that {package.manifest.name} takes; it takes {', '.join(fields)}"
            raise InputError.of(_OPTION, message)
        records = _records(file, fields)
        while chunk := list(islice(records, CHUNK)):
            counting.add_inputs(chunk)
            counting.records += len(chunk)
    if not counting.records:
        raise InputError.of(_OPTION, f"{path} has no records")
    return counting.profile(datetime.now(UTC), 1, source=str(path), columns=sorted(names))


def _records(file: Records, fields: dict[str, Column]) -> Iterator[dict[str, Any]]:
    for row in file.rows:
        if isinstance(row, Refusal):
            raise InputError(row.problems)
        yield file_record(row.values, fields, is_text=file.is_text)
