"""The command tree of `slipway`."""

import typer

from slipway.cli import features, keys, predict
from slipway.cli.account.cost import cost
from slipway.cli.account.deploy import deploy
from slipway.cli.account.preflight import preflight
from slipway.cli.account.smoke import smoke
from slipway.cli.batch.app import app as batch
from slipway.cli.config.app import app as config
from slipway.cli.console import console
from slipway.cli.entity.app import app as entity
from slipway.cli.init.command import init
from slipway.cli.local.app import app as local
from slipway.cli.model import packages as model
from slipway.cli.monitor.app import app as monitor
from slipway.cli.plan import plan
from slipway.cli.project import offer_environment
from slipway.cli.release.app import app as release
from slipway.cli.status import status
from slipway.cli.train.app import app as train

app = typer.Typer(
    name="slipway",
    help="Take a trained model to production on AWS serverless, in your own account.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
app.command("init")(init)
app.command("predict")(predict.predict)
app.command("status")(status.status)
app.command("cost")(cost)
app.command("plan")(plan)
app.command("preflight")(preflight)
app.command("deploy")(deploy)
app.command("smoke")(smoke)
app.command("console")(console)
app.add_typer(features.app, name="features")
app.add_typer(entity, name="entity")
app.add_typer(model.app, name="model")
app.add_typer(release, name="release")
app.add_typer(batch, name="batch")
app.add_typer(train, name="train")
app.add_typer(monitor, name="monitor")
app.add_typer(keys.app, name="id-keys")
app.add_typer(local, name="local")
app.add_typer(config, name="config")
offer_environment(app)
