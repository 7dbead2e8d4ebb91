"""`slipway plan`: what a rate of requests breaks, which quotas to ask for, what it costs, and what to change."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from slipway.cli.options import AsJson, ConfigFile, print_json
from slipway.cli.project import load_project

if TYPE_CHECKING:
    from slipway.config import Config
    from slipway.config.models import ModelConfig
    from slipway.scale.workload import Tasks, Workload

_CPU = 100

Rate = Annotated[float, typer.Option("--rps", min=0.1, max=10_000_000, help="Requests a second at the highest.")]
TierOption = Annotated[Literal["light", "heavy"], typer.Option("--tier", help="Where the models run.")]
ModelOption = Annotated[
    str | None, typer.Option("--model", help="Take tier, memory, tasks and captures from this model of slipway.yaml.")
]
Models = Annotated[int, typer.Option("--models", min=1, max=10_000, help="Models that share the requests evenly.")]
Payload = Annotated[int, typer.Option("--payload", min=1, help="Bytes of a request.")]
Answer = Annotated[int, typer.Option("--answer", min=1, help="Bytes of an answer.")]
Milliseconds = Annotated[
    float, typer.Option("--ms", min=0.1, max=900_000, help="Milliseconds of a warm request to a light model.")
]
Groups = Annotated[int, typer.Option("--groups", min=0, max=100, help="Feature groups that a request reads.")]
Hot = Annotated[float, typer.Option("--hot", min=0, max=1, help="Share of requests that name the busiest entity.")]
Captured = Annotated[float | None, typer.Option("--capture", min=0, max=1, help="Share of requests that is captured.")]
Region = Annotated[
    str, typer.Option("--region", envvar=["AWS_REGION", "AWS_DEFAULT_REGION"], help="The region whose prices count.")
]
Plot = Annotated[Path | None, typer.Option("--plot", help="Plot step and day to this .pdf, .png or .svg file.")]


def plan(
    *,
    rps: Rate,
    tier: TierOption = "light",
    model: ModelOption = None,
    models: Models = 1,
    payload: Payload = 2000,
    answer: Answer = 500,
    ms: Milliseconds = 10.0,
    groups: Groups = 1,
    hot: Hot = 0.01,
    capture: Captured = None,
    region: Region = "us-east-1",
    plot: Plot = None,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Simulate a step and a day of requests against AWS's quotas: what breaks first, what to ask for, what it costs."""
    # Every command loads this module, and only this one needs NumPy and the price tables.
    from slipway.cli.planning.report import as_document, print_plan
    from slipway.scale.limits import load_limits
    from slipway.scale.plan import make_plan
    from slipway.scale.workload import Workload

    asked = Workload(
        rps=rps,
        tier=tier,
        models=models,
        payload=payload,
        answer=answer,
        seconds=ms / 1000,
        groups=groups,
        hot=hot,
    )
    work = asked if model is None else _configured(asked, load_project(config), model)
    work = work if capture is None else replace(work, captured=capture)
    found = make_plan(work, load_limits(), region=region)
    if plot is not None:
        from slipway.cli.planning.plot import plot_plan

        plot_plan(found, plot)
    if as_json:
        print_json(as_document(found))
    else:
        print_plan(Console(), found)


def _configured(asked: "Workload", config: "Config", model: str) -> "Workload":
    """The workload with what slipway.yaml says of a model; raises NotFoundError for one that it does not have."""
    from slipway.errors import NotFoundError

    if model not in config.models:
        raise NotFoundError("model in slipway.yaml", model, config.models)
    found = config.models[model]
    return replace(
        asked,
        tier=found.tier,
        memory_gb=config.light.memory_mb / 1024,
        captured=found.capture.sample,
        tasks=_tasks(found),
    )


def _tasks(model: "ModelConfig") -> "Tasks":
    """A task takes its target of requests at the target of its processor, and at most what a full processor would."""
    from slipway.scale.workload import Tasks

    heavy = model.heavy
    target = heavy.target_requests_per_task / 60
    return Tasks(
        least=heavy.min_tasks,
        most=heavy.max_tasks,
        rps=target,
        most_rps=target * _CPU / heavy.target_cpu_percent,
        cpu=float(heavy.cpu),
        memory_gb=heavy.memory_mb / 1024,
        start_seconds=float(heavy.start_seconds),
    )
