"""The CDK app: `cdk deploy --all` puts what slipway.yaml says into an AWS account."""

from pathlib import Path

import aws_cdk as cdk

from infra.application import add_stacks

app = cdk.App()
config_file = app.node.try_get_context("slipway:config")
add_stacks(
    app,
    config_file=Path(config_file) if config_file else Path(__file__).with_name("slipway.yaml"),
    target=app.node.try_get_context("slipway:target"),
)
app.synth()
