"""`slipway release`: moving traffic from one version to another."""

import typer

from slipway.cli.simulate import simulate

app = typer.Typer(help="Release versions of a model, and undo that.", no_args_is_help=True)
app.command("simulate")(simulate)


@app.callback()
def _commands() -> None:
    """Keep `simulate` a command of its own while it is the only one."""
