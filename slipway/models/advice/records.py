"""The records that a user gives to measure a package with."""

from pathlib import Path

from pydantic import ValidationError

from slipway.config.validation import field_problems
from slipway.errors import InputError
from slipway.models.manifest import Record
from slipway.models.package import Package
from slipway.models.schema import RequestRecord, record_model

_LONGEST_TEXT = 1_000_000


def read_records(package: Package, path: Path) -> list[Record]:
    """The whole records of a JSONL file, held against the manifest; grouped inputs must be in them, too.

    Raises:
        InputError: the file cannot be read or is empty, or a line is not a record; each problem names its line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError.of("--input", f"{path}: {error}") from error
    inputs = tuple(field.model_copy(update={"group": None}) for field in package.manifest.inputs)
    whole = package.manifest.model_copy(update={"inputs": inputs})
    model = record_model(whole, {}, text_characters=_LONGEST_TEXT)
    found = [_record(model, line, number) for number, line in enumerate(lines, start=1) if line.strip()]
    if not found:
        raise InputError.of("--input", f"{path} has no records")
    return found


def _record(model: type[RequestRecord], line: str, number: int) -> Record:
    try:
        return model.model_validate_json(line).complete()
    except ValidationError as error:
        raise InputError(field_problems(error, prefix=f"line {number}")) from error
