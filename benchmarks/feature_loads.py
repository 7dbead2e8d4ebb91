"""Rows a second that `slipway features load` writes: one call at a time as through the API, and straight to the table.

A row has three groups of ten floats, so it is three writes. All write to the same MiniStack on this machine. The first
line is single conditional writes, eight in flight, as the function behind the API makes them; the API itself adds its
own time to it. The second is `--direct`.

    python -m benchmarks.feature_loads [--rows 1000]
"""

import argparse
import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from benchmarks.features import FEATURES, TABLE, definitions, ministack
from slipway.aws.table import lazy_client
from slipway.features.bulk import BulkFeatureWriter
from slipway.features.dynamodb import DynamoFeatureStore
from slipway.features.store import FeatureKey, FeatureWrite, WriteResult

Write = Callable[[Iterable[FeatureWrite]], Iterator[WriteResult]]
NEEDED = 5


def writes(rows: int, prefix: str) -> Iterator[FeatureWrite]:
    now = datetime.now(UTC)
    for number in range(rows):
        for group in definitions().groups:
            values = {f"feature_{n}": number + n / 7 for n in range(FEATURES)}
            yield FeatureWrite(FeatureKey("user", f"{prefix}{number}", group), values, now)


def rate(write: Write, given: list[FeatureWrite], rows: int) -> float:
    start = time.perf_counter()
    assert all(result.stored for result in write(given))
    return rows / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1000)
    rows = parser.parse_args().rows
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1")  # noqa: S106
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} processors, ", end="")
    print(f"load before {os.getloadavg()[0]:.2f}")
    with ministack() as address:
        client = lazy_client(endpoint_url=address)
        client().create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        single = rate(DynamoFeatureStore(TABLE, definitions(), client=client).write, [*writes(rows, "s")], rows)
        bulk = BulkFeatureWriter(TABLE, definitions(), client=client)
        direct = rate(bulk.write, [*writes(rows, "d")], rows)
        again = rate(bulk.write, [*writes(rows, "d")], rows)
    print(f"{rows} rows of three groups of {FEATURES} floats")
    print(f"  single conditional writes, 8 in flight  {single:6.0f} rows/s")
    print(f"  --direct, new rows                      {direct:6.0f} rows/s, {direct / single:.1f} times")
    print(f"  --direct, the same rows again           {again:6.0f} rows/s, {again / single:.1f} times")
    print(f"  needed for new rows: {NEEDED} times;  load after {os.getloadavg()[0]:.2f}")


if __name__ == "__main__":
    main()
