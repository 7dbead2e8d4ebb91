"""The CDK app: `cdk deploy --all` puts what slipway.yaml says into an AWS account."""

from pathlib import Path

from slipway.application import synthesize

synthesize(Path(__file__).with_name("slipway.yaml"))
