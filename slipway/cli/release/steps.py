"""`slipway release start`, `promote`, `rollback`, `status`, `history` and `tick`."""

import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from slipway.cli.options import AsJson, Changes, ConfigFile, named_changes, print_json
from slipway.cli.release.forecast import foreseen_at_rates, foreseen_now, is_judged
from slipway.cli.release.live import live_shares
from slipway.cli.release.orders import OrderName, begin_release, give_order, past_releases, planned_record
from slipway.cli.release.report import history_table, print_pass, record_table
from slipway.cli.release.segments import Segments, named_segments, segment_table
from slipway.cli.release.target import (
    find_model_releases,
    find_planned_releases,
    find_releases,
)
from slipway.releases.controller.reconciler import PassResult
from slipway.releases.record.document import ReleaseRecord, dump_record
from slipway.releases.record.plan import plan
from slipway.releases.record.request import ReleaseRequest

Model = Annotated[str, typer.Argument(help="The model, e.g. tweet-sentiment.")]
By = Annotated[str | None, typer.Option(help="Who does this. Default: the identity of the AWS credentials.")]
Reason = Annotated[str, typer.Option("--reason", "-m", help="Reason, for the history.")]


def start(
    model: Model,
    candidates: Annotated[list[int], typer.Argument(help="The version or versions to release.")],
    *,
    strategy: Annotated[str | None, typer.Option(help="Strategy. Default: `release.strategy` of slipway.yaml.")] = None,
    option: Changes = None,
    segment: Segments = None,
    reason: Reason = "",
    by: By = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan without starting.")] = False,
    config: ConfigFile = Path("slipway.yaml"),
) -> None:
    """Start releasing a version; the controller continues on its own and rolls back if it is worse."""
    asked = named_segments(segment)
    request = partial(ReleaseRequest, model, tuple(candidates), strategy, named_changes(option), segments=asked)
    if dry_run:
        _foresee(config, request(by=by or "nobody", reason=reason))
        return
    target = find_model_releases(config, model, candidates)
    record = planned_record(config, target.config, target, request(by=by or target.caller(), reason=reason))
    _show_plan(record)
    started = begin_release(target, record)
    Console().print(f"Release [bold]{started.id}[/] has started; `slipway release watch {model}` shows its progress.")


def promote(model: Model, *, reason: Reason = "", by: By = None, config: ConfigFile = Path("slipway.yaml")) -> None:
    """Give the candidate all traffic now, regardless of the judge."""
    _order("promote", model, reason, by, config)


def rollback(model: Model, *, reason: Reason = "", by: By = None, config: ConfigFile = Path("slipway.yaml")) -> None:
    """Give all traffic back to the stable version; works even if the controller is down."""
    _order("rollback", model, reason, by, config)


def status(
    model: Annotated[str | None, typer.Argument(help="The model. Default: every model.")] = None,
    *,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Show the latest release of each model."""
    target = find_model_releases(config, model) if model else find_releases(config)
    records = target.deployment.store().current([model] if model else target.config.models)
    if as_json:
        print_json([json.loads(dump_record(record)) for record in records])
        return
    console = Console()
    for record in records:
        console.print(record_table(record, live_shares(target, record)))
        if (by_segment := segment_table(record)) is not None:
            console.print(by_segment)
        if is_judged(record):
            console.print(foreseen_now(record, target.deployment.evidence(target.config), datetime.now(UTC)))
    if not records:
        console.print("There are no releases yet.")


def history(model: Model, *, config: ConfigFile = Path("slipway.yaml"), as_json: AsJson = False) -> None:
    """Show the releases of a model, with the evidence for each step."""
    records = past_releases(find_model_releases(config, model).deployment.store(), model)
    if as_json:
        print_json([json.loads(dump_record(record)) for record in records])
        return
    console = Console()
    for record in records:
        console.print(history_table(record))
    if not records:
        console.print(f"There are no releases of {model} yet.")


def tick(*, config: ConfigFile = Path("slipway.yaml")) -> None:
    """Run one pass of the controller, which otherwise runs each minute."""
    target = find_releases(config)
    _print(target.deployment.controller(target.config).tick(target.config.models))


def _order(action: OrderName, model: str, reason: str, by: str | None, config: Path) -> None:
    target = find_model_releases(config, model)
    _print([give_order(target, model, action, by=by or target.caller(), reason=reason)])


def _print(passes: list[PassResult]) -> None:
    """Say what was done; exits with 1 if something went wrong."""
    console = Console()
    for done in passes:
        print_pass(console, done)
    if not passes:
        console.print("No release is active.")
    if any(done.errors for done in passes):
        raise typer.Exit(1)


def _foresee(config_file: Path, request: ReleaseRequest) -> None:
    """Show the plan, and what the release will find out; without a deployment, at several rates of requests."""
    config, target, why = find_planned_releases(config_file, request.model)
    record = planned_record(config_file, config, target, request)
    _show_plan(record)
    if target is None:
        Console().print(foreseen_at_rates(record, f"The traffic is unknown: {why}"))
    else:
        Console().print(foreseen_now(record, target.deployment.evidence(config), record.started_at))


def _show_plan(record: ReleaseRecord) -> None:
    title = f"{record.options.strategy} of {record.model}"
    table = Table("phase", "what", "until", title=title, title_justify="left")
    for step in plan(
        record.options, record.judge, tier=record.tier, stable=record.stable, candidates=record.candidates
    ):
        table.add_row(step.phase.value, escape(step.what), escape(step.until))
    Console().print(table)
