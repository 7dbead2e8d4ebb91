"""Time the console's pages against the embedded AWS that `make run` has started in this folder.

`python -m benchmarks.console [ROUNDS]` prints, for each page, the median time of a load that asks AWS for everything
anew and of one whose parts are kept, and the calls of GetMetricData of the first. Nothing is deployed or changed.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

from fastapi import FastAPI
from starlette.testclient import TestClient

from slipway.aws.metric_data import MetricDataReader
from slipway.console.app import create_app
from slipway.console.pages import PAGES
from slipway.console.settings import ConsoleSettings
from slipway.console.tiles import TileCache
from slipway.console.workspace import Workspace

BUDGET_MS = 300.0


@contextmanager
def counted_reads() -> Iterator[list[int]]:
    """Count the pages' calls of GetMetricData, each by the number of its metrics."""
    calls: list[int] = []
    read = MetricDataReader.read

    def counting(self: MetricDataReader, queries, *given):  # type: ignore[no-untyped-def]
        calls.append(len(queries))
        return read(self, queries, *given)

    MetricDataReader.read = counting  # type: ignore[method-assign]
    try:
        yield calls
    finally:
        MetricDataReader.read = read  # type: ignore[method-assign]


def loads(browser: TestClient, app: FastAPI, path: str, rounds: int, *, anew: bool) -> list[float]:
    """The milliseconds of each load of a page."""
    found = []
    for _ in range(rounds):
        if anew:
            app.state.console.tiles.close()
            app.state.console = replace(app.state.console, tiles=TileCache())
        began = time.perf_counter()
        browser.get(path).raise_for_status()
        found.append((time.perf_counter() - began) * 1000)
    return found


def main(rounds: int) -> None:
    """Print a line for each page, for the first model where a page is of one."""
    settings, workspace = ConsoleSettings(), Workspace(Path("slipway.yaml"))
    workspace.prepare()
    app = create_app(settings, workspace)
    model = next(iter(workspace.config().models))
    print(f"{'page':42}{'anew, ms':>10}{'kept, ms':>10}{'GetMetricData':>16}{'metrics':>9}")
    with TestClient(app, base_url=settings.address) as browser, counted_reads() as calls:
        for path in (page.path.format(model=model) for page in PAGES):
            browser.get(path)
            calls.clear()
            anew = median(loads(browser, app, path, rounds, anew=True))
            asked = calls.copy()
            kept = median(loads(browser, app, path, rounds, anew=False))
            over = " over the budget" if anew > BUDGET_MS else ""
            print(f"{path:42}{anew:10.0f}{kept:10.0f}{len(asked) / rounds:16.1f}{sum(asked) / rounds:9.0f}{over}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
