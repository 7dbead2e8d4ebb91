"""Subscription filters of CloudWatch Logs: who is handed the lines of a log group as they come."""

from collections.abc import Mapping
from typing import Any

from slipway.aws.clients import answered_by, new_client

_SERVICE = "CloudWatch Logs"


class CloudWatchLogFilters:
    """One filter, by its name, in any log group; a group takes two. ``options`` are those of boto3's client.

    Everything raises UnavailableError where CloudWatch Logs refuses, or does not answer.
    """

    def __init__(self, name: str, pattern: str, options: Mapping[str, Any]) -> None:
        self._name = name
        self._pattern = pattern
        self._client = new_client("logs", options)

    def function(self, group: str) -> str | None:
        """The ARN of the function that is handed lines now, if there is one."""
        with answered_by(_SERVICE):
            try:
                found = self._client.describe_subscription_filters(logGroupName=group, filterNamePrefix=self._name)
            except self._client.exceptions.ResourceNotFoundException:  # there is no such group
                return None
        named = (each for each in found["subscriptionFilters"] if each["filterName"] == self._name)
        return next((str(each["destinationArn"]) for each in named), None)

    def put(self, group: str, function: str) -> None:
        """Have a function handed the lines with the pattern in them; it must allow that."""
        with answered_by(_SERVICE):
            self._client.put_subscription_filter(
                logGroupName=group, filterName=self._name, filterPattern=self._pattern, destinationArn=function
            )

    def delete(self, group: str) -> None:
        """Hand out nothing more; a filter that is not there is as good as deleted."""
        with answered_by(_SERVICE):
            try:
                self._client.delete_subscription_filter(logGroupName=group, filterName=self._name)
            except self._client.exceptions.ResourceNotFoundException:
                return
