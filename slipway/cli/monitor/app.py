"""`slipway monitor`: what the monitor has found of a model."""

import typer

from slipway.cli.monitor.accuracy import accuracy
from slipway.cli.monitor.acknowledge import acknowledge
from slipway.cli.monitor.drift.command import drift
from slipway.cli.monitor.label import label
from slipway.cli.monitor.profile import profile
from slipway.cli.monitor.profiles import profiles
from slipway.cli.monitor.skew import skew

app = typer.Typer(help="Show what the monitor has found.", no_args_is_help=True)
app.command("accuracy")(accuracy)
app.command("label")(label)
app.command("drift")(drift)
app.command("acknowledge")(acknowledge)
app.command("profile")(profile)
app.command("profiles")(profiles)
app.command("skew")(skew)
