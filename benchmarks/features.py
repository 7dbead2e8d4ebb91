"""Time to read one request of 100 records x 3 groups from the feature store, beside boto3's bare BatchGetItem.

Both read the same 300 items, in three calls of 100, from the same MiniStack on this machine. The bare client is a
default boto3 client; its responses are not decoded further. Rounds are paired and alternate in order. MiniStack and the
readers share the processor, so two more lines add a delay to each call, as if the table were near or far.

    python -m benchmarks.features [--rounds 300]
"""

import argparse
import os
import platform
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3

from slipway.aws.table import lazy_client
from slipway.config import FeatureConfig, FeatureGroupConfig, FeatureType
from slipway.features.definitions import FeatureDefinitions
from slipway.features.dynamodb import DynamoFeatureStore
from slipway.features.store import FeatureKey, FeatureWrite

RECORDS, GROUPS, FEATURES = 100, 3, 10
TABLE = "features"
NEEDED = 0.8


@contextmanager
def ministack() -> Iterator[str]:
    """Run a separate MiniStack on loopback for the block, and yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "HOME": folder}
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "ministack"], cwd=folder, env=environment, stdout=log, stderr=log
            )
        try:
            wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("MiniStack did not start within 30 s")


def definitions() -> FeatureDefinitions:
    features = {f"feature_{number}": FeatureConfig(type=FeatureType.FLOAT) for number in range(FEATURES)}
    group = FeatureGroupConfig(entity="user", ttl_days=30, features=features)
    return FeatureDefinitions({f"group-{number}": group for number in range(GROUPS)})


def fill(client: Any, store: DynamoFeatureStore) -> list[FeatureKey]:
    client.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    keys = [FeatureKey("user", f"u{record}", group) for record in range(RECORDS) for group in store.definitions.groups]
    seeded = random.Random(1)  # noqa: S311 - synthetic features
    writes = [
        FeatureWrite(key, {f"feature_{n}": seeded.gauss(0, 1) for n in range(FEATURES)}, datetime.now(UTC))
        for key in keys
    ]
    assert all(result.stored for result in store.write(writes))
    return keys


def bare_reader(client: Any, keys: list[FeatureKey]) -> Callable[[], int]:
    """The floor: the calls that any reader must make, in sequence."""
    pairs = [{"pk": {"S": f"{key.entity}#{key.id}"}, "sk": {"S": key.group}} for key in keys]
    trips = [pairs[start : start + 100] for start in range(0, len(pairs), 100)]

    def read() -> int:
        answers = [client.batch_get_item(RequestItems={TABLE: {"Keys": trip}}) for trip in trips]
        return sum(len(answer["Responses"][TABLE]) for answer in answers)

    return read


def paired(first: Callable[[], int], second: Callable[[], int], rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of each call of both, in rounds of alternating order after ten warm-up rounds."""
    seconds: dict[Callable[[], int], list[float]] = {first: [], second: []}
    for number in range(-10, rounds):
        for read in (first, second) if number % 2 else (second, first):
            start = time.perf_counter()
            assert read() == RECORDS * GROUPS
            if number >= 0:
                seconds[read].append(time.perf_counter() - start)
    return seconds[first], seconds[second]


def put_away(client: Any) -> Callable[[float], None]:
    """Return a function that sets the extra delay of a client's calls in seconds."""
    distance = [0.0]
    client.meta.events.register("before-send.dynamodb.BatchGetItem", lambda **_: time.sleep(distance[0]))

    def move(seconds: float) -> None:
        distance[0] = seconds

    return move


def report(title: str, bare: list[float], store: list[float]) -> None:
    def in_words(values: list[float]) -> str:
        low, middle, high = (1000 * value for value in statistics.quantiles(values, n=4))
        return f"{middle:6.2f} ms (half of the rounds {low:.2f} to {high:.2f})"

    share = statistics.median(b / s for b, s in zip(bare, store, strict=True))
    print(f"{title}\n  bare BatchGetItem  {in_words(bare)}\n  feature store      {in_words(store)}")
    print(f"  speed, of bare     {100 * share:6.1f} %  (needed: {100 * NEEDED:.0f} %)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    rounds = parser.parse_args().rounds
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1")  # noqa: S106 - moto
    print(f"Feature read: {RECORDS} records x {GROUPS} groups of {FEATURES} floats, {rounds} paired rounds, medians")
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} processors, ", end="")
    print(f"load before {os.getloadavg()[0]:.2f}")
    with ministack() as address:
        bare_client, client = boto3.client("dynamodb", endpoint_url=address), lazy_client(endpoint_url=address)
        store = DynamoFeatureStore(TABLE, definitions(), client=client)
        keys = fill(client(), store)
        bare, ours = bare_reader(bare_client, keys), lambda: len(store.read(keys))
        report("As it is:", *paired(bare, ours, rounds))
        moves = [put_away(bare_client), put_away(client())]
        for milliseconds in (5, 15):
            for move in moves:
                move(milliseconds / 1000)
            report(f"Each call {milliseconds} ms farther away:", *paired(bare, ours, rounds // 3))
    print(f"load after {os.getloadavg()[0]:.2f}")


if __name__ == "__main__":
    main()
