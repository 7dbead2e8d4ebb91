"""The rights of an analyst, who reads what monitoring keeps: captures, and with them perhaps personal data."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from infra.constructs.basics.acknowledge import exported_name
from infra.constructs.basics.table import of_partitions
from infra.stacks.policies import stacks_arn
from slipway.config import Config
from slipway.features.history.files import group_folder
from slipway.models.measurements.measured import MEASUREMENTS
from slipway.models.package import MANIFEST
from slipway.models.registry.versions import model_prefix
from slipway.monitoring.accuracy.normal import NORMAL_FILE
from slipway.monitoring.captures.parsing import FOLDER
from slipway.monitoring.captures.reservoir import FOLDER as RESERVOIR
from slipway.monitoring.drift.reference_bucket import REFERENCES
from slipway.monitoring.profiles.store import PROFILES
from slipway.monitoring.state import MONITORING


class AnalystRights:
    """The statements of the analyst's policy, and their resources that have wildcards; each method adds a kind."""

    def __init__(
        self,
        stack: cdk.Stack,
        *,
        config: Config,
        captures: s3.IBucket,
        history: s3.IBucket,
        control: dynamodb.ITable,
        models: s3.IBucket,
    ) -> None:
        self._stack = stack
        self._project = config.project
        self.statements: list[iam.PolicyStatement] = []
        self.wildcards: list[str] = []
        self._read_outputs()
        self._read_files(captures, FOLDER, RESERVOIR, PROFILES, MONITORING)
        if config.recorded_groups:
            self._read_files(history, *(group_folder(group).rstrip("/") for group in sorted(config.recorded_groups)))
        self._acknowledge(captures)
        self._read_labelled(control)
        self._read_versions(config, control, models)

    def _allow(self, actions: list[str], *resources: str) -> None:
        self.statements.append(iam.PolicyStatement(actions=actions, resources=list(resources)))

    def _read_labelled(self, control: dynamodb.ITable) -> None:
        """The captured predictions whose true answers are known."""
        self._allow_on_table(control, ["dynamodb:Query"], "labelled#*")

    def _read_versions(self, config: Config, control: dynamodb.ITable, models: s3.IBucket) -> None:
        """The measurements of versions that came after the deploy, as retrained ones do; their graphs stay closed."""
        self._allow_on_table(control, ["dynamodb:BatchGetItem", "dynamodb:Query"], "model#*")
        files = (MANIFEST, *MEASUREMENTS)
        keys = [f"{model_prefix(model)}*/{file}" for model in sorted(config.captured_models) for file in files]
        self._allow(["s3:GetObject"], *map(models.arn_for_objects, keys))
        self.wildcards += [f"{exported_name(models, models.bucket_arn)}/{key}" for key in keys]

    def _allow_on_table(self, table: dynamodb.ITable, actions: list[str], partitions: str) -> None:
        conditions = of_partitions(partitions)
        self.statements.append(iam.PolicyStatement(actions=actions, resources=[table.table_arn], conditions=conditions))

    def _read_outputs(self) -> None:
        """The outputs of the stacks, by which the commands find the bucket."""
        arn = stacks_arn(self._stack, self._project)
        self._allow(["cloudformation:DescribeStacks"], arn)
        self.wildcards.append(arn)

    def _read_files(self, bucket: s3.IBucket, *folders: str) -> None:
        self._allow(["s3:ListBucket"], bucket.bucket_arn)
        self._allow(["s3:GetObject"], *(bucket.arn_for_objects(f"{folder}/*") for folder in folders))
        self.wildcards += [f"{exported_name(bucket, bucket.bucket_arn)}/{folder}/*" for folder in folders]

    def _acknowledge(self, bucket: s3.IBucket) -> None:
        """Say what is normal, in two objects for each version; S3 asks for GetObject, too, to compare their tags."""
        keys = [f"{MONITORING}/*/{name}" for name in (REFERENCES, NORMAL_FILE)]
        self._allow(["s3:PutObject"], *(bucket.arn_for_objects(key) for key in keys))
        self.wildcards += [f"{exported_name(bucket, bucket.bucket_arn)}/{key}" for key in keys]
