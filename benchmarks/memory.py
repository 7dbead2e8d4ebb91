"""Resident memory of the function `predict` over many calls, beside that of a handler that only runs the session.

Both run under awslambdaric. Memory is read every tenth of the calls; the slope is that of the second half.

    python -m benchmarks.memory [--calls 100000]
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from benchmarks.bundles import Bundle, compile_all, find_bundle, machine
from benchmarks.lambda_runtime import function
from benchmarks.warm_call import encoded


def measure(bundle: Bundle, handler: str, calls: int) -> list[int]:
    """Kilobytes before the first call and after each tenth of the calls."""
    environment = {**bundle.environment(), "FLOOR_INPUT": json.dumps(encoded(bundle))}
    event = bundle.event()
    with function(handler, environment) as running:
        resident = [running.rss_kilobytes()]
        for number in range(1, calls + 1):
            running.call(event)
            if number % (calls // 10) == 0:
                resident.append(running.rss_kilobytes())
    return resident


def report(name: str, resident: list[int], calls: int) -> None:
    half = resident[len(resident) // 2 :]
    slope = statistics.linear_regression(range(len(half)), half).slope * 10 / calls * 10_000
    print(f"  {name:8} {' '.join(f'{kilobytes / 1024:.1f}' for kilobytes in resident)} MiB")
    print(f"           slope of the second half: {slope:+.1f} KiB per 10,000 calls")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000)
    calls = parser.parse_args().calls
    compile_all()
    with tempfile.TemporaryDirectory() as scratch:
        bundle = find_bundle(Path(scratch))
        print(f"Memory of predict over {calls} calls with {bundle.model} {bundle.version}, at every tenth")
        print(machine())
        report("floor", measure(bundle, "benchmarks.floor.handler", calls), calls)
        report("predict", measure(bundle, "functions.predict.handler.handler", calls), calls)


if __name__ == "__main__":
    main()
