"""Feedback in the DynamoDB table `control`."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from slipway.errors import UnavailableError
from slipway.monitoring.feedback import Feedback, contradiction

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

    Item = dict[str, AttributeValueTypeDef]

_SORT_KEY = "feedback"


class DynamoFeedbackStore:
    """One item per prediction id, put under the condition that there is none.

    Args:
        table: the name of the table; its keys are `pk` and `sk`.
        client: makes the client at the first call, since boto3 takes longer to import than everything else here.
    """

    def __init__(self, table: str, client: "Callable[[], DynamoDBClient] | None" = None) -> None:
        self._table = table
        self._make_client = client or _client
        self._made: DynamoDBClient | None = None

    def put(self, feedback: Feedback) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - imported late with boto3

        try:
            return self._put_or_compare(feedback)
        except (BotoCoreError, ClientError) as error:
            raise UnavailableError("the feedback table", type(error).__name__) from error

    def _put_or_compare(self, feedback: Feedback) -> bool:
        client = self._client()
        item = _item(feedback)
        try:
            client.put_item(TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(pk)")
        except client.exceptions.ConditionalCheckFailedException:
            key = {"pk": item["pk"], "sk": item["sk"]}
            stored = client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item", {})
            if stored.get("content") != item["content"]:
                raise contradiction(feedback) from None
            return False
        return True

    def _client(self) -> "DynamoDBClient":
        if self._made is None:
            self._made = self._make_client()
        return self._made


def _item(feedback: Feedback) -> "Item":
    prediction = feedback.prediction
    return {
        "pk": {"S": f"feedback#{prediction}"},
        "sk": {"S": _SORT_KEY},
        "model": {"S": prediction.model},
        "version": {"N": str(prediction.version)},
        "content": {"S": json.dumps(feedback.content(), sort_keys=True)},
        "received": {"S": datetime.now(UTC).isoformat()},
    }


def _client() -> Any:
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    # A function has 15 s by default: two tries of at most 3 s leave time to say that the table is down.
    limits = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2, "mode": "standard"})
    return boto3.client("dynamodb", config=limits)
