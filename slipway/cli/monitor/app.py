"""`slipway monitor`: what the monitor has found of a model."""

import typer

from slipway.cli.monitor.profile import profile
from slipway.cli.monitor.profiles import profiles
from slipway.cli.monitor.skew import skew

app = typer.Typer(help="Show what the monitor has found.", no_args_is_help=True)
app.command("profile")(profile)
app.command("profiles")(profiles)
app.command("skew")(skew)
