"""Feedback in the DynamoDB table `control`."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from slipway.dynamodb import DynamoTable, Item
from slipway.monitoring.feedback import Feedback, contradiction

if TYPE_CHECKING:
    from slipway.dynamodb import Backoff, ClientFactory


class DynamoFeedbackStore:
    """A `FeedbackStore` of one item per prediction id, put under the condition that there is none."""

    def __init__(self, table: str, *, client: "ClientFactory | None" = None, backoff: "Backoff | None" = None) -> None:
        self._table = DynamoTable(table, dependency="feedback store", client=client, backoff=backoff)

    def put(self, feedback: Feedback) -> bool:
        item = _item(feedback)
        stored = self._table.put_if(item, "attribute_not_exists(pk)")
        if stored is not None and stored.get("content") != item["content"]:
            raise contradiction(feedback)
        return stored is None


def _item(feedback: Feedback) -> Item:
    prediction = feedback.prediction
    return {
        "pk": {"S": f"feedback#{prediction}"},
        "sk": {"S": "feedback"},
        "model": {"S": prediction.model},
        "version": {"N": str(prediction.version)},
        "content": {"S": json.dumps(feedback.content(), sort_keys=True)},
        "received": {"S": datetime.now(UTC).isoformat()},
    }
