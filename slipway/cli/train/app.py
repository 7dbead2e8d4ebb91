"""`slipway train`: train a model again on the labels of its own predictions."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from slipway.cli.options import AsJson, ConfigFile
from slipway.cli.train import account
from slipway.errors import InputError

app = typer.Typer(help="Train a model again on the labels of its own predictions.", no_args_is_help=True)

_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


app.command("status")(account.status)
app.command("watch")(account.watch)
app.command("history")(account.history)
app.command("logs")(account.logs)
app.command("approve")(account.approve)
app.command("reject")(account.reject)


@app.command()
def start(
    model: Annotated[str, typer.Argument(help="The model, e.g. flight-delay.")],
    *,
    local: Annotated[bool, typer.Option("--local", help="Take all steps in one process on this machine.")] = False,
    data: Annotated[
        Path | None,
        typer.Option(help="With --local: a .csv, .tsv, .jsonl or .parquet file of labelled records with their times."),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=_FORMATS, help="With --local: the end of the window, UTC. Default: the newest record."),
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="With --local: join features from a history, as `features history` does."),
    ] = None,
    entities: Annotated[
        list[str] | None,
        typer.Option("--entity", metavar="ENTITY=COLUMN", help="With --history: the column with an entity's ids."),
    ] = None,
    version: Annotated[
        int | None,
        typer.Option(min=1, help="With --local: the version to compare with. Default: `stable` of slipway.yaml."),
    ] = None,
    min_new_labels: Annotated[
        int | None, typer.Option(min=1, help="With --local: in place of `training.min_new_labels`.")
    ] = None,
    run: Annotated[str | None, typer.Option(help="With --local: go on with this run, or name a new one.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the newest run, which failed.")] = False,
    reason: account.Reason = "",
    by: account.By = None,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Assemble data, train, check the gates against the version that serves, register what passes, and release it."""
    if not local:
        given: dict[str, object] = {
            "data": data,
            "until": until,
            "history": history,
            "entity": entities,
            "version": version,
        }
        _refuse(
            {**given, "min-new-labels": min_new_labels, "run": run}, "is for runs on this machine; give --local, too"
        )
        account.start_there(model, config, resume=resume, reason=reason, by=by, as_json=as_json)
        return
    # Every command loads this module, and only this one needs numpy and the recipe's libraries.
    from slipway.cli.train.local import LocalStart, start_here

    if data is None:
        raise InputError.of("--local", "needs --data FILE")
    _refuse({"reason": reason, "by": by}, "is for runs in the account; leave out --local")
    if resume:
        raise InputError.of("--resume", "is for runs in the account; with --local, --run goes on with one")
    asked = LocalStart(
        data=data,
        until=until,
        history=history,
        entities=tuple(entities or ()),
        version=version,
        min_new_labels=min_new_labels,
        run=run,
    )
    start_here(model, asked, config, as_json=as_json)


def _refuse(options: Mapping[str, object], why: str) -> None:
    """Raise InputError for an option that is given."""
    for name, value in options.items():
        if value:
            raise InputError.of(f"--{name}", why)
