"""Puts the example features into the store, through the API that everybody uses."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from slipway.config import Authorization, Config, FeatureGroupConfig, load_config
from slipway.errors import UnavailableError

EXAMPLES = Path("examples/patients.csv")
ENTITY = "patient"
_ROWS_PER_CALL = 100
_TIMEOUT_SECONDS = 30.0


def seed(root: Path, api: str) -> int:
    """Write the example patients; gives how many rows the store took.

    None are written where slipway.yaml has no such features, or where the API asks for a token that is not here.

    Raises:
        UnavailableError: the API refused the rows.
    """
    config = load_config(root / "slipway.yaml")
    if config.api.authorization is Authorization.JWT or not (root / EXAMPLES).exists():
        return 0
    rows = list(_rows(root / EXAMPLES, config))
    stored = 0
    for first in range(0, len(rows), _ROWS_PER_CALL):
        body = {"rows": rows[first : first + _ROWS_PER_CALL]}
        answer = httpx.post(f"{api}/v1/features/batch-write", json=body, timeout=_TIMEOUT_SECONDS)
        if not answer.is_success:
            raise UnavailableError("the feature store", f"{answer.status_code} {answer.text[:500]}")
        stored += answer.json()["stored"]
    return stored


def _rows(file: Path, config: Config) -> Iterator[dict[str, Any]]:
    """A row of the API for each patient and each of the entity's groups that the file has all features of."""
    with file.open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines):
            for name, group in config.features.items():
                if group.entity == ENTITY and group.features.keys() <= line.keys():
                    yield {
                        "entity": ENTITY,
                        "id": line[ENTITY],
                        "group": name,
                        "event_time": line["event_time"],
                        "values": _values(line, group),
                    }


def _values(line: dict[str, str], group: FeatureGroupConfig) -> dict[str, float]:
    return {feature: float(line[feature]) for feature in group.features}
