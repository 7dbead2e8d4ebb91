"""Write the example features to the store through the public API."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx

from slipway.config import Authorization, load_local
from slipway.errors import InputError, UnavailableError
from slipway.features.definitions import FeatureDefinitions
from slipway.features.files import read_file
from slipway.features.store import FeatureWrite

EXAMPLES = (Path("examples/patients.csv"), Path("examples/weather.csv"))
_ROWS_PER_CALL = 100
_TIMEOUT_SECONDS = 30.0


def seed(root: Path, api: str) -> int:
    """Write the example patients and weather; returns the number of rows stored.

    A file is left out if slipway.yaml defines other features than it has, and all are if the API requires a token.

    Raises:
        UnavailableError: the API refused the rows.
    """
    config = load_local(root / "slipway.yaml")
    if config.api.authorization is Authorization.JWT:
        return 0
    definitions, now = FeatureDefinitions(config.features), datetime.now(UTC)
    rows = [_row(write) for file in EXAMPLES for write in _writes(root / file, definitions, now)]
    return sum(_send(api, rows[first : first + _ROWS_PER_CALL]) for first in range(0, len(rows), _ROWS_PER_CALL))


def _writes(file: Path, definitions: FeatureDefinitions, now: datetime) -> Iterator[FeatureWrite]:
    """The writes of a file; none if it is not there or has other features."""
    if not file.exists():
        return
    try:
        found = list(read_file(file, definitions, now))
    except InputError:
        return
    yield from (write for _, write in found if isinstance(write, FeatureWrite))


def _row(write: FeatureWrite) -> dict[str, object]:
    return {**write.key._asdict(), "event_time": write.event_time.isoformat(), "values": dict(write.values)}


def _send(api: str, rows: list[dict[str, object]]) -> int:
    answer = httpx.post(
        f"{api}/v1/features/batch-write", json={"rows": rows}, timeout=_TIMEOUT_SECONDS, trust_env=False
    )
    if not answer.is_success:
        raise UnavailableError("the feature store", f"{answer.status_code} {answer.text[:500]}")
    stored: int = answer.json()["stored"]
    return stored
