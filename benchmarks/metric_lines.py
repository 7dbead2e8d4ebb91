"""The metrics of one request under several sets of dimensions: our one line beside Powertools'.

A request with a prediction has metrics of the project, of the model and of the version. Powertools crosses all metrics
of an object with all its sets, so it takes an object, and a line, for each set; or one object with three sets, which
counts every metric under each of them. Both are in the table, with the series that CloudWatch would bill.

    python -m benchmarks.metric_lines [--calls 5000]
"""

import argparse
import json
import timeit
from collections.abc import Callable, Mapping

from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from benchmarks.bundles import machine
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.instrumentation import single_metric_line
from slipway.monitoring.telemetry.metrics import CATALOGUE, NAMESPACE, metric_line

DIMENSIONS = {metrics.PROJECT: "shop", metrics.MODEL: "tweet-sentiment", metrics.VERSION: "1"}
VALUES = {metrics.REQUESTS: 1.0, metrics.LATENCY: 0.913, metrics.PREDICTIONS: 1.0, metrics.INFERENCE_LATENCY: 0.502}
AT = 1_795_000_000_000
REPEATS = 5


def ours() -> str:
    return metric_line(VALUES, DIMENSIONS, AT)


def an_object_for_each_set() -> str:
    """The same series as ours."""
    sets = {each: None for name in VALUES for each in CATALOGUE[name].dimension_sets if set(each) <= set(DIMENSIONS)}
    return "\n".join(
        _line({name: DIMENSIONS[name] for name in each}, {n: v for n, v in VALUES.items() if _is_under(n, each)})
        for each in sets
    )


def one_object_with_three_sets() -> str:
    """One line, as short as it gets with Powertools; every metric is under every set."""
    first, *others = ((metrics.PROJECT,), (metrics.PROJECT, metrics.MODEL), tuple(DIMENSIONS))
    provider = _provider({name: DIMENSIONS[name] for name in first}, VALUES)
    for each in others:
        provider.add_dimensions(**{name: DIMENSIONS[name] for name in each})
    return json.dumps(provider.serialize_metric_set(), separators=(",", ":"))


def one_metric_of_ours() -> str:
    return metric_line({metrics.UNFINISHED: 1}, DIMENSIONS, AT)


def one_metric_of_powertools() -> str:
    return single_metric_line(metrics.UNFINISHED, 1, DIMENSIONS, AT)


def series(lines: str) -> int:
    """How many series CloudWatch makes of some lines."""
    directives = [each for line in lines.splitlines() for each in json.loads(line)["_aws"]["CloudWatchMetrics"]]
    return len({(metric["Name"], *each) for d in directives for each in d["Dimensions"] for metric in d["Metrics"]})


def microseconds(make: Callable[[], str], calls: int) -> float:
    """The least of some rounds: what else the machine does only adds."""
    return 1e6 * min(timeit.repeat(make, number=calls, repeat=REPEATS)) / calls


def _is_under(name: str, dimensions: tuple[str, ...]) -> bool:
    return dimensions in CATALOGUE[name].dimension_sets


def _provider(dimensions: Mapping[str, str], values: Mapping[str, float]) -> AmazonCloudWatchEMFProvider:
    provider = AmazonCloudWatchEMFProvider(namespace=NAMESPACE, service="", default_dimensions=dict(dimensions))
    for name, value in values.items():
        provider.add_metric(name, CATALOGUE[name].unit, value)
    provider.timestamp = AT
    return provider


def _line(dimensions: Mapping[str, str], values: Mapping[str, float]) -> str:
    return json.dumps(_provider(dimensions, values).serialize_metric_set(), separators=(",", ":"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=5000)
    calls = parser.parse_args().calls
    print(f"Metrics of one request, the best of {REPEATS} rounds of {calls}")
    print(machine())
    for make in (
        ours,
        an_object_for_each_set,
        one_object_with_three_sets,
        one_metric_of_ours,
        one_metric_of_powertools,
    ):
        lines = make()
        taken = microseconds(make, calls)
        name = make.__name__.replace("_", " ")
        print(f"  {name:28} {taken:7.1f} µs {len(lines.encode()):5} bytes {series(lines):3} series")


if __name__ == "__main__":
    main()
