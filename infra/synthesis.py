"""The CDK app, as the CDK CLI runs it: its settings come from the context."""

import sys
from pathlib import Path

import aws_cdk as cdk

from infra.application import add_stacks
from infra.delivery import Delivery
from slipway.errors import SlipwayError


def synthesize(config_file: Path) -> None:
    """Synthesize the stacks of ``config_file``, or of the one in the context; exits with a message at a mistake."""
    # The CDK's own check of the templates takes three times as long as all else, and the tests run cfn-lint over them.
    app = cdk.App(builtin_cloud_formation_validation=False)
    context = app.node.try_get_context
    try:
        add_stacks(
            app,
            config_file=Path(context("slipway:config") or config_file),
            target=context("slipway:target"),
            environment=context("slipway:environment"),
            break_glass=context("slipway:break-glass"),
            delivery=Delivery(
                repository=context("slipway:access"),
                provider=context("slipway:provider"),
                boundary=context("slipway:boundary"),
            ),
        )
    except SlipwayError as error:
        sys.exit(f"error: {error}")
    app.synth()
