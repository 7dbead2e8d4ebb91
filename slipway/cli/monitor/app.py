"""`slipway monitor`: what the monitor has found of a model."""

import typer

from slipway.cli.monitor.acknowledge import acknowledge
from slipway.cli.monitor.drift import drift

app = typer.Typer(help="Show what the monitor has found.", no_args_is_help=True)
app.command("drift")(drift)
app.command("acknowledge")(acknowledge)
