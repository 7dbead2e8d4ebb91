"""`slipway release start`, `promote`, `rollback`, `status`, `history` and `tick`."""

import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from slipway.cli.options import AsJson, Changes, ConfigFile, named_changes, print_json
from slipway.cli.release.fields import request_fields
from slipway.cli.release.forecast import foreseen_at_rates, foreseen_now, is_judged
from slipway.cli.release.live import live_shares, slot_shares
from slipway.cli.release.report import history_table, print_pass, record_table
from slipway.cli.release.segments import Segments, named_segments, segment_table
from slipway.cli.release.target import (
    ReleaseTarget,
    find_model_releases,
    find_planned_releases,
    find_releases,
)
from slipway.config import Config
from slipway.config.releases import Shadow
from slipway.models.package import Package, load_package
from slipway.releases.controller.reconciler import PassResult
from slipway.releases.evidence.outputs import Outputs
from slipway.releases.record.document import ReleaseRecord, dump_record
from slipway.releases.record.phases import OperatorOrder
from slipway.releases.record.plan import plan
from slipway.releases.record.request import ReleaseRequest, stable_version, start_record
from slipway.releases.record.users_before import with_users_before
from slipway.releases.shadow.log_shadows import check_deployed

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
    store = target.deployment.store()
    record = _planned(config, target.config, target, request(by=by or target.caller(), reason=reason))
    _show_plan(record)
    started = store.start(with_users_before(record, store.past(model)))
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
    store = find_model_releases(config, model).deployment.store()
    active = [record for record in store.current([model]) if not record.settled]
    records = [*active, *store.past(model)]
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


def _order(action: Literal["promote", "rollback"], model: str, reason: str, by: str | None, config: Path) -> None:
    target = find_model_releases(config, model)
    order = OperatorOrder(action=action, by=by or target.caller(), at=datetime.now(UTC), why=reason)
    _print([target.deployment.controller(target.config).order(model, order)])


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
    record = _planned(config_file, config, target, request)
    _show_plan(record)
    if target is None:
        Console().print(foreseen_at_rates(record, f"The traffic is unknown: {why}"))
    else:
        Console().print(foreseen_now(record, target.deployment.evidence(config), record.started_at))


def _planned(config_file: Path, config: Config, target: ReleaseTarget | None, request: ReleaseRequest) -> ReleaseRecord:
    """The record of a release that is not stored yet. Without a deployment, slipway.yaml names the stable version."""
    last, live = None, None
    if target is not None:
        last = next(iter(target.deployment.store().current([request.model])), None)
        live = _live(target, request.model)
    stable = stable_version(config, request.model, last, live)
    package = _package(config, config_file.parent, request.model, stable)
    outputs = Outputs.of(package) if package is not None else Outputs()
    record = start_record(
        config,
        request,
        stable=stable,
        labels=outputs.labels,
        value_limits=outputs.value_limits,
        target_limits=outputs.target_limits,
        package=package,
        fields=partial(request_fields, config, config_file, request.model),
        now=datetime.now(UTC),
    )
    if target is not None and isinstance(record.options, Shadow):
        check_deployed(target.deployment.shadow, request.model)
    return record


def _show_plan(record: ReleaseRecord) -> None:
    title = f"{record.options.strategy} of {record.model}"
    table = Table("phase", "what", "until", title=title, title_justify="left")
    for step in plan(
        record.options, record.judge, tier=record.tier, stable=record.stable, candidates=record.candidates
    ):
        table.add_row(step.phase.value, escape(step.what), escape(step.until))
    Console().print(table)


def _live(target: ReleaseTarget, model: str) -> dict[int, float] | None:
    """The live shares of a heavy model; None for a light one, whose shares are the last release's."""
    return None if target.config.models[model].tier == "light" else slot_shares(target, model)


def _package(config: Config, root: Path, model: str, version: int) -> Package | None:
    """A version's package if it is here; without it, the judge compares neither labels nor values."""
    folder = config.model_folder(root, model) / str(version)
    return load_package(folder) if folder.is_dir() else None
