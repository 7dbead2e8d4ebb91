"""GetMetricData is read whole: beyond the queries of one call, beyond one page, and never past a failure."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from slipway.aws.clients import new_client
from slipway.aws.metric_data import QUERIES_PER_CALL, MetricDataReader, MetricQuery
from slipway.errors import UnavailableError

NOW = datetime(2026, 11, 27, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OPTIONS: Mapping[str, Any] = {
    "region_name": "eu-west-1",
    "aws_access_key_id": "testing",
    "aws_secret_access_key": "testing",
}


def query(place: int, statistic: str = "Sum") -> MetricQuery:
    return MetricQuery("Shop", "Orders", statistic, (("Place", str(place)),))


class Pages:
    """A client whose every call is answered in these pages; `asked` has the number of queries of each call."""

    def __init__(self, *pages: list[dict[str, Any]]) -> None:
        self.pages = pages
        self.asked: list[int] = []

    def get_paginator(self, _: str) -> "Pages":
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        self.asked.append(len(request["MetricDataQueries"]))
        return ({"MetricDataResults": page} for page in self.pages)


@mock_aws
def test_more_queries_than_one_call_takes_are_told_apart() -> None:
    count = QUERIES_PER_CALL + 3
    client = boto3.client("cloudwatch", **OPTIONS)
    for place in (0, QUERIES_PER_CALL - 1, QUERIES_PER_CALL, count - 1):
        dimensions = [{"Name": "Place", "Value": str(place)}]
        data = {"MetricName": "Orders", "Dimensions": dimensions, "Value": float(place), "Timestamp": NOW}
        client.put_metric_data(Namespace="Shop", MetricData=[data])
    found = MetricDataReader(new_client("cloudwatch", OPTIONS)).read(
        [query(place) for place in range(count)], NOW, NOW + 2 * MINUTE, MINUTE
    )
    assert len(found) == count
    assert {place: list(values.values()) for place, values in enumerate(found) if values} == {
        place: [float(place)] for place in (0, QUERIES_PER_CALL - 1, QUERIES_PER_CALL, count - 1)
    }


def test_no_call_has_more_queries_than_cloudwatch_takes() -> None:
    pages = Pages([])
    MetricDataReader(pages).read([query(place) for place in range(1001)], NOW, NOW + MINUTE, MINUTE)
    assert pages.asked == [500, 500, 1]


def test_pages_add_up() -> None:
    first = {"Id": "m0", "Timestamps": [NOW], "Values": [1.0], "StatusCode": "PartialData"}
    second = {"Id": "m0", "Timestamps": [NOW + MINUTE], "Values": [2.0], "StatusCode": "Complete"}
    found = MetricDataReader(Pages([first], [second])).read([query(0)], NOW, NOW + 2 * MINUTE, MINUTE)
    assert found == [{NOW: 1.0, NOW + MINUTE: 2.0}]


@pytest.mark.parametrize("status", ["InternalError", "Forbidden"])
def test_a_metric_that_cannot_be_read_is_not_one_without_data(status: str) -> None:
    result = {"Id": "m0", "Label": "Orders", "Timestamps": [], "Values": [], "StatusCode": status}
    with pytest.raises(UnavailableError, match="Orders"):
        MetricDataReader(Pages([result])).read([query(0)], NOW, NOW + MINUTE, MINUTE)


def test_no_answer_names_the_service() -> None:
    client = new_client("cloudwatch", {**OPTIONS, "endpoint_url": "http://127.0.0.1:9"})
    with pytest.raises(UnavailableError, match="CloudWatch"):
        MetricDataReader(client).read([query(0)], NOW, NOW + MINUTE, MINUTE)
