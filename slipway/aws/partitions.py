"""A DynamoDB table whose partitions are read page by page, from either end, and whose items are deleted."""

from collections.abc import Iterator, Sequence

from slipway.aws.table import WRITES_PER_CALL, DynamoTable, Item, Request, batched


class PartitionTable(DynamoTable):
    """A table with partitions that may be too large to hold."""

    def pages(
        self, pk: str, *, newest_first: bool = False, size: int | None = None, consistent: bool = False
    ) -> Iterator[list[Item]]:
        """Yield the items of a partition in pages of at most ``size``, ordered by sort key or from its end."""
        request: Request = {
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": pk}},
            "ScanIndexForward": not newest_first,
            "ConsistentRead": consistent,
            **({"Limit": size} if size else {}),
        }
        while True:
            page = self._page(request)
            yield page["Items"]
            if not page.get("LastEvaluatedKey"):
                return
            request = {**request, "ExclusiveStartKey": page["LastEvaluatedKey"]}

    def delete(self, keys: Sequence[Item]) -> None:
        """Delete the items of distinct keys, whether they exist or not."""
        for batch in batched(keys, WRITES_PER_CALL):
            self._until_done(self._send_puts, {self.name: [{"DeleteRequest": {"Key": key}} for key in batch]})
