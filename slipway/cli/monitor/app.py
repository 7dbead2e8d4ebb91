"""`slipway monitor`: what the monitor has found of a model."""

import typer

from slipway.cli.monitor.skew import skew

app = typer.Typer(help="Show what the monitor has found.", no_args_is_help=True)
app.command("skew")(skew)


@app.callback()
def monitor() -> None:
    """Show what the monitor has found."""
