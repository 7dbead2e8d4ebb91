"""`slipway model advise`: recommend where to run a package, with the costs."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from slipway.cli.exits import Exit
from slipway.cli.model.advice_input import find_package, find_records, workload
from slipway.cli.model.advice_report import Report
from slipway.cli.model.browser_measuring import measure_browser
from slipway.cli.options import AsJson, ConfigFile, print_json
from slipway.cli.project import load_project
from slipway.cli.quantities import byte_count, milliseconds
from slipway.models.advice.choice import Advisor
from slipway.models.advice.plot import check_format, plot_costs
from slipway.models.advice.prices import SHIPPED, load_prices
from slipway.models.advice.profiling import profile_package
from slipway.models.advice.terms import Given
from slipway.models.advice.ways import Audience, compare_ways
from slipway.wording import counted

LOWEST_RPS = 0.001
_HIGHEST_RPS = 1000.0


class QueueModel(StrEnum):
    """The distribution of service times that the waiting time is computed with."""

    MEASURED = "measured"
    M_M_C = "m/m/c"
    M_D_C = "m/d/c"


_CV2 = {QueueModel.MEASURED: None, QueueModel.M_M_C: 1.0, QueueModel.M_D_C: 0.0}


def advise(
    model: Annotated[str, typer.Argument(help="MODEL, MODEL:VERSION, or a package folder.")],
    *,
    rps: Annotated[
        float, typer.Option(help="Steady requests per second, one record each.", min=LOWEST_RPS, max=100_000)
    ],
    p99: Annotated[str, typer.Option(help="Latency target at the 99th percentile, e.g. 100ms.")] = "100ms",
    payload: Annotated[str | None, typer.Option(help="Size of a request, e.g. 1kB. Default: from the records.")] = None,
    response: Annotated[
        str | None, typer.Option(help="Size of a response, e.g. 1kB. Default: from the outputs.")
    ] = None,
    region: Annotated[str, typer.Option(help="AWS region to take prices from.")] = "us-east-1",
    records: Annotated[
        Path | None, typer.Option("--input", help="JSONL of whole records to measure with. Default: from the baseline.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Write cost over traffic to this PNG, SVG or PDF.")] = None,
    slowdown: Annotated[
        float, typer.Option(help="How many times slower AWS's processors are than this machine's.", min=0.01)
    ] = 1.0,
    memory: Annotated[
        int | None, typer.Option(help="Memory of the function in MB. Default: light.memory_mb.", min=128)
    ] = None,
    least: Annotated[int, typer.Option(help="Minimum number of tasks or instances.", min=1)] = 2,
    zones: Annotated[int, typer.Option(help="Availability zones with VPC endpoints.", min=1)] = 2,
    utilization: Annotated[float, typer.Option(help="Highest planned utilization, 0 to 1.", min=0.01, max=0.99)] = 0.7,
    queue: Annotated[QueueModel, typer.Option(help="Distribution of service times.")] = QueueModel.MEASURED,
    front: Annotated[str, typer.Option(help="p99 latency of API Gateway and the network behind it.")] = "10ms",
    cold_start: Annotated[str, typer.Option(help="Duration of the function's cold start.")] = "800ms",
    gpu_throughput: Annotated[float | None, typer.Option(help="Records per second of the GPU.", min=0.001)] = None,
    gpu_efficiency: Annotated[
        float, typer.Option(help="Share of the GPU's peak that is reached, 0 to 1.", min=0.001, max=1)
    ] = 0.3,
    visitor_requests: Annotated[
        float, typer.Option(help="Requests of one visitor to a page with the model in it.", min=0.001)
    ] = Audience().requests_per_visitor,
    devices: Annotated[int, typer.Option(help="Devices with the model on them.", min=1)] = Audience().devices,
    node_modules: Annotated[
        Path | None, typer.Option(help="npm packages to measure in Node with. Default: beside slipway.yaml.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="Seconds per measurement.", min=0.01)] = 2.0,
    prices: Annotated[
        Path, typer.Option(help="Price table to use instead of the shipped one.", show_default=False)
    ] = SHIPPED,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Measure a package here, compare Lambda, Fargate, GPU, batch, browser and device, and recommend where to serve."""
    settings = load_project(config) if config.exists() else None
    table = load_prices(prices)
    table.of(region)  # fail before measuring
    if plot is not None:
        check_format(plot)
    given = Given(
        slowdown=slowdown,
        front_ms=milliseconds(front, option="--front"),
        cold_start_ms=milliseconds(cold_start, option="--cold-start"),
        lambda_memory_mb=memory or (settings.light.memory_mb if settings else Given().lambda_memory_mb),
        cv2=_CV2[queue],
        utilization=utilization,
        least_units=least,
        zones=zones,
        gpu_per_second=gpu_throughput,
        gpu_efficiency=gpu_efficiency,
    )
    target = milliseconds(p99, option="--p99")
    sizes = {
        name: byte_count(text, option=f"--{name}")
        for name, text in (("payload", payload), ("response", response))
        if text is not None
    }
    _warn_if_busy()
    package = find_package(model, settings, config.parent)
    modules = settings.light.task_modules if settings else ()
    sample = find_records(package, records)
    profile = profile_package(package, sample, batch=given.gpu_batch, seconds=seconds, task_modules=modules)
    work = workload(package, sample, settings, rps=rps, p99_ms=target, sizes=sizes)
    advisor = Advisor(profile, table, region, given, p99_ms=target)
    advice = advisor.advise(work, low=LOWEST_RPS, high=max(_HIGHEST_RPS, 2 * rps))
    if plot is not None:
        plot_costs(advisor, advice, plot, title=f"{package.manifest.name} {package.manifest.version}, {region}")
    ways = compare_ways(
        advice.offers,
        work,
        profile,
        table.of(region),
        given,
        audience=Audience(visitor_requests, devices),
        browser=measure_browser(package, node_modules or config.parent / "node_modules"),
    )
    report = Report(package.manifest, advice, profile, given, table, region, ways)
    if as_json:
        print_json(report.document())
    else:
        report.print(Console())
    if advice.taken is None:
        raise typer.Exit(Exit.REFUSED)


def _warn_if_busy() -> None:
    load, processors = os.getloadavg()[0], os.cpu_count() or 1
    if load > processors:
        message = (
            f"this machine is busy (load {load:.1f} on {counted(processors, 'processor')}): latencies will be too high"
        )
        typer.echo(f"warning: {message}", err=True)
