"""`slipway entity`: what is stored of one entity."""

import typer

from slipway.cli.entity.forget import forget
from slipway.cli.entity.show import show

app = typer.Typer(help="Show or erase what is stored of one user, patient or other entity.", no_args_is_help=True)
app.command("show")(show)
app.command("forget")(forget)
