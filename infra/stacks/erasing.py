"""The managed policy of `slipway entity`: whoever has it may see and erase what is stored of an entity."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.basics.acknowledge import acknowledge_wildcards
from infra.constructs.basics.table import of_partitions
from infra.stacks.policies import managed_policy, stacks_arn
from infra.stacks.tables import Tables
from slipway.monitoring.captures.parsing import FOLDER, GIVEN_UP
from slipway.monitoring.captures.reservoir import FOLDER as RESERVOIR
from slipway.monitoring.entities.forgotten import PARTITION as FORGOTTEN
from slipway.monitoring.entities.index_table import PARTITIONS as ENTITIES
from slipway.monitoring.erasure.shelves import HISTORY

_ABOUT_ENTITIES = (ENTITIES, "feedback#*", "labelled#*", FORGOTTEN, "erasure#*")
_ON_VERSIONS = ("GetObject", "GetObjectVersion", "PutObject", "DeleteObjectVersion")
_REASON = "Any entity may ask to be forgotten, in whichever file it is, and stacks have a random part in their ARNs."


class EraserPolicy(Construct):
    """The rights to read, rewrite and delete what is stored of entities; of models, to read which versions there are.

    Files are written anew in the folders that hold such things, and nowhere else.
    """

    def __init__(
        self, scope: Construct, id_: str, *, project: str, tables: Tables, captures: s3.IBucket, history: s3.IBucket
    ) -> None:
        super().__init__(scope, id_)
        self._stack = cdk.Stack.of(self)
        self._arns: list[str] = []
        self._statements: list[iam.PolicyStatement] = []
        self._allow("cloudformation", ["DescribeStacks"], stacks_arn(self._stack, project))
        reading_and_deleting = ["BatchGetItem", "BatchWriteItem", "Query"]
        self._allow("dynamodb", reading_and_deleting, tables.features.table_arn)
        self._allow("dynamodb", ["BatchGetItem", "BatchWriteItem"], tables.predictions.table_arn)
        confined = of_partitions(_ABOUT_ENTITIES)
        self._allow("dynamodb", reading_and_deleting, tables.control.table_arn, conditions=confined)
        self._allow("dynamodb", ["Query"], tables.control.table_arn, conditions=of_partitions("model#*"))
        self._rewrite(captures, (FOLDER, GIVEN_UP, RESERVOIR))
        self._rewrite(history, (HISTORY,))
        description = f"Slipway, {project}: may see and erase what is stored of an entity"
        policy = managed_policy(self._stack, "Eraser", description=description, statements=self._statements)
        acknowledge_wildcards(policy, self._arns, _REASON)

    def _rewrite(self, bucket: s3.IBucket, folders: Sequence[str]) -> None:
        # Without `ListBucket`, S3 answers for a file that has just expired as for one that it refuses.
        self._allow("s3", ["ListBucket", "ListBucketVersions"], bucket.bucket_arn)
        self._allow("s3", list(_ON_VERSIONS), *(bucket.arn_for_objects(f"{folder}/*") for folder in folders))

    def _allow(
        self,
        service: str,
        actions: Sequence[str],
        *resources: str,
        conditions: dict[str, dict[str, list[str]]] | None = None,
    ) -> None:
        named = [f"{service}:{action}" for action in actions]
        self._arns.extend(resources)
        self._statements.append(iam.PolicyStatement(actions=named, resources=list(resources), conditions=conditions))
