"""Warm call for one tweet: the function `predict` beside a handler that only runs the session on the same text.

Both run under awslambdaric, so both include the runtime's overhead. Telemetry is written. Calls are paired and
alternate in order.

    python -m benchmarks.warm_call [--rounds 3000]
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.bundles import TEXT, Bundle, compile_all, find_bundle, in_words, machine
from benchmarks.lambda_runtime import Function, function
from slipway.config import load_config
from slipway.models.bundle import load_version

ALLOWED_MS = 0.6


def encoded(bundle: Bundle) -> dict[str, list[list[int]]]:
    """The tensors of TEXT from the package's tokenizer."""
    from tokenizers import Tokenizer

    package = load_version(load_config(bundle.root / "slipway.yaml"), bundle.root, bundle.model, bundle.version)
    tokenizer = Tokenizer.from_file(str(package.path(package.manifest.tokenizer or "tokenizer.json")))
    ids = tokenizer.encode(TEXT).ids
    tensors = {"input_ids": [ids], "attention_mask": [[1] * len(ids)]}
    return {name: tensors[name] for name in package.manifest.graph.inputs}


def timed(running: Function, event: dict[str, object]) -> float:
    started = time.perf_counter()
    assert running.call(event)["statusCode"] == 200
    return 1000 * (time.perf_counter() - started)


def measure(bundle: Bundle, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each call; the first hundred calls are not counted."""
    taken: dict[str, list[float]] = {"floor": [], "predict": []}
    environment = {**bundle.environment(), "FLOOR_INPUT": json.dumps(encoded(bundle))}
    with (
        function("benchmarks.floor.handler", environment) as floor,
        function("functions.predict.handler.handler", environment) as predict,
    ):
        both = [("floor", floor), ("predict", predict)]
        for number in range(-100, rounds):
            for name, running in both if number % 2 else reversed(both):
                milliseconds = timed(running, bundle.event())
                if number >= 0:
                    taken[name].append(milliseconds)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3000)
    rounds = parser.parse_args().rounds
    compile_all()
    with tempfile.TemporaryDirectory() as scratch:
        bundle = find_bundle(Path(scratch))
        print(f"Warm call of predict for one tweet with {bundle.model} {bundle.version}, {rounds} paired calls")
        print(machine())
        taken = measure(bundle, rounds)
    for name, values in taken.items():
        print(f"  {name:8} {in_words(values)}")
    more = [ours - floor for ours, floor in zip(taken["predict"], taken["floor"], strict=True)]
    print(f"  more     {statistics.median(more):8.3f} ms (allowed: {ALLOWED_MS})")


if __name__ == "__main__":
    main()
