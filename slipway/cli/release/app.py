"""`slipway release`: move traffic from one version to another."""

import typer

from slipway.cli.release import steps
from slipway.cli.release.simulate import simulate
from slipway.cli.release.watch import watch

app = typer.Typer(help="Release versions of a model, and roll them back.", no_args_is_help=True)
app.command("start")(steps.start)
app.command("status")(steps.status)
app.command("watch")(watch)
app.command("promote")(steps.promote)
app.command("rollback")(steps.rollback)
app.command("history")(steps.history)
app.command("tick")(steps.tick)
app.command("simulate")(simulate)
