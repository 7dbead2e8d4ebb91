"""`slipway batch`: score files with a version of a model, here or in the account."""

import typer

from slipway.cli.batch import jobs, run

app = typer.Typer(help="Score files with a version of a model.", no_args_is_help=True)
app.command("run")(run.run)
app.command("list")(jobs.list_)
app.command("status")(jobs.status)
app.command("cancel")(jobs.cancel)
app.command("rerun")(jobs.rerun)
