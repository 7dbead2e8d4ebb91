"""What the steps of batch jobs may read and write: the bucket of jobs, and the addresses that slipway.yaml names."""

from collections.abc import Iterable, Sequence

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

from infra.constructs.basics.acknowledge import acknowledge_wildcards, exported_name
from infra.constructs.basics.table import of_partitions
from slipway.batch.account.places import Place
from slipway.batch.account.runs import INPUTS, JOBS, RUNS
from slipway.config.batch import BatchConfig
from slipway.models.registry.versions import model_prefix

_NAMES = "Jobs, their shards and the files of an input determine the names of objects."
_VERSIONS = "The versions of models, whose numbers are not known at deploy time."


class StepRights:
    """Gives the role of a step what it needs of files, releases and packages."""

    def __init__(self, role: iam.Role, *, settings: BatchConfig, bucket: s3.IBucket) -> None:
        self._role = role
        self._settings = settings
        self._bucket = bucket

    def files(self, *, deletes: bool) -> None:
        """Allow reading inputs, and reading and writing outputs and what runs need; with ``deletes``, removing it."""
        own = [self._bucket.arn_for_objects(f"{folder}/*") for folder in (JOBS, RUNS)]
        inputs = [self._bucket.arn_for_objects(f"{INPUTS}/*"), *map(self._objects, self._settings.readable)]
        outputs = [*own, *map(self._objects, self._settings.writable)]
        writing = ["s3:PutObject", *(["s3:DeleteObject"] if deletes else [])]
        self._allow(["s3:GetObject"], list(dict.fromkeys([*inputs, *outputs])), _NAMES)
        self._allow(writing, outputs, _NAMES)
        # Without this right, S3 answers that an object which is not there is forbidden.
        named = (*self._settings.readable, *self._settings.writable)
        self._allow(["s3:ListBucket"], [self._bucket.bucket_arn, *dict.fromkeys(map(self._bucket_arn, named))], _NAMES)

    def registry(self, models: Iterable[str], *, control: dynamodb.ITable, packages: s3.IBucket) -> None:
        """Allow reading which versions serve, and the packages that bundles and images lack."""
        actions = ["dynamodb:BatchGetItem", "dynamodb:Query"]
        conditions = of_partitions([f"model#{model}" for model in models])
        self._role.add_to_policy(
            iam.PolicyStatement(actions=actions, resources=[control.table_arn], conditions=conditions)
        )
        prefixes = [f"{model_prefix(model)}*" for model in models]
        objects = [packages.arn_for_objects(prefix) for prefix in prefixes]
        self._role.add_to_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=objects))
        exported = exported_name(packages, packages.bucket_arn)
        acknowledge_wildcards(self._role, [f"{exported}/{prefix}" for prefix in prefixes], _VERSIONS)

    def _allow(self, actions: Sequence[str], resources: Sequence[str], reason: str) -> None:
        self._role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=list(resources)))
        acknowledge_wildcards(self._role, resources, reason)

    def _objects(self, address: str) -> str:
        place = Place.parse(address)
        return f"{self._bucket_arn(address)}/{place.key}*"

    def _bucket_arn(self, address: str) -> str:
        stack = cdk.Stack.of(self._role)
        return stack.format_arn(service="s3", region="", account="", resource=Place.parse(address).bucket)
