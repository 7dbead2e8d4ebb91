"""`slipway release`: moving traffic from one version to another."""

import typer

from slipway.cli import release_commands
from slipway.cli.release_watch import watch
from slipway.cli.simulate import simulate

app = typer.Typer(help="Release versions of a model, and undo that.", no_args_is_help=True)
app.command("start")(release_commands.start)
app.command("status")(release_commands.status)
app.command("watch")(watch)
app.command("promote")(release_commands.promote)
app.command("rollback")(release_commands.rollback)
app.command("history")(release_commands.history)
app.command("tick")(release_commands.tick)
app.command("simulate")(simulate)
