"""CloudWatch Logs subscription filters, which deliver the lines of a log group to a function."""

from collections.abc import Mapping
from typing import Any

from slipway.aws.clients import answered_by, new_client

_SERVICE = "CloudWatch Logs"


class CloudWatchLogFilters:
    """The filter of one name in any log group; a group allows two filters. ``options`` are passed to boto3's client.

    Every method raises UnavailableError if CloudWatch Logs refuses or does not answer.
    """

    def __init__(self, name: str, pattern: str, options: Mapping[str, Any]) -> None:
        self._name = name
        self._pattern = pattern
        self._client = new_client("logs", options)

    def function(self, group: str) -> str | None:
        """The ARN of the function that receives lines now, or None."""
        with answered_by(_SERVICE):
            try:
                found = self._client.describe_subscription_filters(logGroupName=group, filterNamePrefix=self._name)
            except self._client.exceptions.ResourceNotFoundException:  # the log group does not exist
                return None
        named = (each for each in found["subscriptionFilters"] if each["filterName"] == self._name)
        return next((str(each["destinationArn"]) for each in named), None)

    def put(self, group: str, function: str) -> None:
        """Deliver the lines that match the pattern to a function, whose policy must allow it."""
        with answered_by(_SERVICE):
            self._client.put_subscription_filter(
                logGroupName=group, filterName=self._name, filterPattern=self._pattern, destinationArn=function
            )

    def delete(self, group: str) -> None:
        """Delete the filter; a missing filter counts as deleted."""
        with answered_by(_SERVICE):
            try:
                self._client.delete_subscription_filter(logGroupName=group, filterName=self._name)
            except self._client.exceptions.ResourceNotFoundException:
                return
