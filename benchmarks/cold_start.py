"""Time from process start to the first request for an event: the function `predict` beside its floor.

Both run under awslambdaric. The floor imports NumPy and ONNX Runtime and opens the same graphs. Rounds are paired and
alternate in order.

    python -m benchmarks.cold_start [--rounds 15]
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from benchmarks.bundles import Bundle, compile_all, find_bundle, in_words, machine
from benchmarks.lambda_runtime import function

ALLOWED = 1.5
HANDLERS = {"floor": "benchmarks.floor.handler", "predict": "functions.predict.handler.handler"}


def measure(bundle: Bundle, rounds: int) -> dict[str, list[float]]:
    """Milliseconds until each is ready; the first round warms the disk cache and is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in HANDLERS}
    environment = bundle.environment()
    for number in range(-1, rounds):
        for name in sorted(HANDLERS, reverse=number % 2 == 0):
            with function(HANDLERS[name], environment) as started:
                if number >= 0:
                    taken[name].append(1000 * started.seconds_to_ready)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    compile_all()
    with tempfile.TemporaryDirectory() as scratch:
        bundle = find_bundle(Path(scratch))
        print(f"Cold start of predict, with the graphs of {bundle.model} and the others, {rounds} paired rounds")
        print(machine())
        taken = measure(bundle, rounds)
    for name, values in taken.items():
        print(f"  {name:8} {in_words(values)}, least {min(values):.0f}")
    ratio = statistics.median(ours / floor for ours, floor in zip(taken["predict"], taken["floor"], strict=True))
    print(f"  ratio    {ratio:8.2f} (allowed: {ALLOWED})")


if __name__ == "__main__":
    main()
