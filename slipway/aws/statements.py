"""PartiQL statements on a DynamoDB table, in batches: many conditional writes a call, each with its own result."""

from collections.abc import Sequence
from typing import Any

from slipway.aws.table import DynamoTable, Item, Request
from slipway.errors import UnavailableError

STATEMENTS_PER_CALL = 25  # of BatchExecuteStatement
DUPLICATE = "DuplicateItem"
CONDITION_FAILED = "ConditionalCheckFailed"
_EXPECTED = (DUPLICATE, CONDITION_FAILED)
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchStatementError.html
_TRANSIENT = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "ThrottlingError",
        "TransactionConflict",
    }
)


class StatementTable(DynamoTable):
    """A table written with PartiQL, which costs as much as single writes do."""

    def statement(self, text: str, parameters: Sequence[Item]) -> Request:
        """One statement for `execute`; ``{table}`` in ``text`` is the table."""
        return {
            "Statement": text.format(table=f'"{self.name}"'),
            "Parameters": list(parameters),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def execute(self, statements: Sequence[Request]) -> list[Request | None]:
        """Run up to 25 writes of distinct keys; each succeeds or fails on its own.

        Returns None for each that succeeded, else its error: ``Code`` is `DUPLICATE` or `CONDITION_FAILED`, ``Item``
        the stored item if a condition failed.

        Raises:
            UnavailableError: as every method of a table, and for any other error of a statement.
        """
        results: dict[int, Request | None] = {}

        def send(request: Request) -> Request:
            left: list[int] = request["left"]
            client: Any = self._client()
            answer = client.batch_execute_statement(Statements=[statements[at] for at in left])
            errors = {at: response.get("Error") for at, response in zip(left, answer["Responses"], strict=True)}
            again = [at for at, error in errors.items() if error and error["Code"] in _TRANSIENT]
            results.update({at: self._checked(error) for at, error in errors.items() if at not in again})
            return {"left": again} if again else {}

        self._until_done(send, {"left": list(range(len(statements)))})
        return [results[at] for at in range(len(statements))]

    def _checked(self, error: Request | None) -> Request | None:
        if error and error["Code"] not in _EXPECTED:
            raise UnavailableError(self.dependency, f"{error['Code']}: {error.get('Message', '')} (table {self.name})")
        return error
