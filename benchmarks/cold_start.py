"""What a user waits for at a cold start of the function `predict`: the first request after it is ready, and its start.

The function runs under awslambdaric. On AWS, SnapStart restores a snapshot that was taken when the function was ready,
so a user waits for the first request. Without a snapshot the start comes before it; beside that is a floor that imports
NumPy and ONNX Runtime and opens the same graphs.

    python -m benchmarks.cold_start [--rounds 15]
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.bundles import Bundle, compile_all, find_bundle, in_words, machine
from benchmarks.lambda_runtime import Function, function

FIRST_ALLOWED = 2.0
READY_ALLOWED_MS = 1200
WARM_CALLS = 200
PREDICT, FLOOR = "functions.predict.handler.handler", "benchmarks.floor.handler"


def timed(running: Function, event: dict[str, object]) -> float:
    """Milliseconds of one call."""
    started = time.perf_counter()
    assert running.call(event)["statusCode"] == 200
    return 1000 * (time.perf_counter() - started)


def measure(bundle: Bundle, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each figure by rounds; the first round warms the disk cache and is not counted."""
    taken: dict[str, list[float]] = {"ready": [], "floor": [], "first": [], "warm": []}
    environment = bundle.environment()
    for number in range(-1, rounds):
        with function(FLOOR, environment) as floor, function(PREDICT, environment) as predict:
            calls = [timed(predict, bundle.event()) for _ in range(1 + WARM_CALLS)]
        if number >= 0:
            taken["floor"].append(1000 * floor.seconds_to_ready)
            taken["ready"].append(1000 * predict.seconds_to_ready)
            taken["first"].append(calls[0])
            taken["warm"].append(statistics.median(calls[1:]))
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    compile_all()
    with tempfile.TemporaryDirectory() as scratch:
        bundle = find_bundle(Path(scratch))
        print(f"Cold start of predict, with the graphs of {bundle.model} and the others, {rounds} rounds")
        print(machine())
        taken = measure(bundle, rounds)
    for name, values in taken.items():
        print(f"  {name:8} {in_words(values)}, least {min(values):.3f}")
    ratio = statistics.median(first / warm for first, warm in zip(taken["first"], taken["warm"], strict=True))
    print(f"  first request, of a warm one   {ratio:8.2f} (allowed: {FIRST_ALLOWED})")
    print(f"  process start to ready         {statistics.median(taken['ready']):8.0f} ms (allowed: {READY_ALLOWED_MS})")


if __name__ == "__main__":
    main()
