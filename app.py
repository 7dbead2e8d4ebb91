"""The CDK app: `cdk deploy --all` puts what slipway.yaml says into an AWS account."""

import sys
from pathlib import Path

import aws_cdk as cdk

from infra.application import Delivery, add_stacks
from slipway.errors import SlipwayError

# The CDK's own check of the templates takes three times as long as all else, and the tests run cfn-lint over them.
app = cdk.App(builtin_cloud_formation_validation=False)
config_file = app.node.try_get_context("slipway:config")
try:
    add_stacks(
        app,
        config_file=Path(config_file) if config_file else Path(__file__).with_name("slipway.yaml"),
        target=app.node.try_get_context("slipway:target"),
        environment=app.node.try_get_context("slipway:environment"),
        break_glass=app.node.try_get_context("slipway:break-glass"),
        delivery=Delivery(
            repository=app.node.try_get_context("slipway:access"),
            provider=app.node.try_get_context("slipway:provider"),
            boundary=app.node.try_get_context("slipway:boundary"),
        ),
    )
except SlipwayError as error:
    sys.exit(f"error: {error}")
app.synth()
