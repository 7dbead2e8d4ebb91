"""The console's pictures on CloudWatch's dashboards: the function `widget`, what it may read, and its widgets."""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge_wildcards, exported_name
from infra.constructs.light.function import Function
from slipway.config import Config
from slipway.config.deployment.environment import CAPTURE_BUCKET, CONTROL_TABLE, MODEL_BUCKET
from slipway.console.widget.asked import Picture
from slipway.models.measurements.measured import MEASUREMENTS
from slipway.models.package import MANIFEST
from slipway.models.registry.versions import model_prefix
from slipway.monitoring.profiles.store import PROFILES
from slipway.monitoring.state import MONITORING

# One whole processor: at a cold start, Vega takes 0.6 s of it, and 0.05 s for each picture after that.
_SETTINGS = {"memory_mb": 1769, "timeout_seconds": 30, "snap_start": False}

READS = (PROFILES, MONITORING)
"""The folders of the bucket of captures that pictures are made of: sums, and no capture itself."""


class PictureWidgets(Construct):
    """The function, and the widgets that call it with the rights of whoever looks at the dashboard."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        config: Config,
        bundle: Path,
        control: dynamodb.ITable,
        models: s3.IBucket,
        captures: s3.IBucket,
    ) -> None:
        super().__init__(scope, id_)
        self.function = Function(
            self,
            "Function",
            project=config.project,
            name="widget",
            bundle=bundle,
            settings=config.light.model_copy(update=_SETTINGS),
            monitoring=config.monitoring,
            environment={
                CAPTURE_BUCKET: captures.bucket_name,
                CONTROL_TABLE: control.table_name,
                MODEL_BUCKET: models.bucket_name,
            },
        )
        self._allow_sums(captures)
        self._allow_versions(config, models)
        self.function.allow_on_table(control, "BatchGetItem", "Query", partitions="model#*")
        self.function.allow_on_table(control, "Query", partitions="labelled#*")
        cdk.CfnOutput(cdk.Stack.of(self), "WidgetFunction", value=self.function.function.function_name)

    def _allow_sums(self, captures: s3.IBucket) -> None:
        # Without this right, S3 answers that an object which is not there is forbidden.
        self.function.allow(["s3:ListBucket"], captures.bucket_arn)
        for folder in READS:
            self.function.allow(["s3:GetObject"], captures.arn_for_objects(f"{folder}/*"))
            found = f"{exported_name(captures, captures.bucket_arn)}/{folder}/*"
            acknowledge_wildcards(self.function.role, [found], "Models, versions and hours determine the names.")

    def _allow_versions(self, config: Config, models: s3.IBucket) -> None:
        """Allow reading the baselines of versions that came after the deploy; their graphs stay closed to it."""
        for model in sorted(config.captured_models):
            for file in (MANIFEST, *MEASUREMENTS):
                key = f"{model_prefix(model)}*/{file}"
                self.function.allow(["s3:GetObject"], models.arn_for_objects(key))
                found = f"{exported_name(models, models.bucket_arn)}/{key}"
                acknowledge_wildcards(self.function.role, [found], "The versions of one model, which come later.")

    @property
    def may_look(self) -> iam.PolicyStatement:
        """The right to see the pictures: CloudWatch calls the function as the user who looks at the dashboard."""
        return iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[self.function.alias.function_arn])

    def weights(self, *, width: int, height: int = 6) -> cloudwatch.CustomWidget:
        """The share of traffic of each version, of all models."""
        return self._widget("Weights of releases", {"picture": Picture.WEIGHTS.value}, width, height)

    def drift(self, model: str, *, width: int, height: int = 9) -> cloudwatch.CustomWidget:
        """The columns of a model's stable version by drift."""
        return self._widget(
            f"{model}: columns by drift", {"picture": Picture.DRIFT.value, "model": model}, width, height
        )

    def accuracy(self, model: str, *, width: int, height: int = 9) -> cloudwatch.CustomWidget:
        """The accuracy of a model's stable version by hour."""
        asked = {"picture": Picture.ACCURACY.value, "model": model}
        return self._widget(f"{model}: accuracy by hour", asked, width, height)

    def _widget(self, title: str, asked: dict[str, str], width: int, height: int) -> cloudwatch.CustomWidget:
        return cloudwatch.CustomWidget(
            function_arn=self.function.alias.function_arn,
            title=title,
            params=asked,
            width=width,
            height=height,
            update_on_refresh=True,
            update_on_resize=True,
            update_on_time_range_change=True,
        )
