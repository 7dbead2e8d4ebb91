"""Queries of logs in the embedded AWS: what they count, and what is refused."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.core.responses import request_scope
from ministack.services import cloudwatch_logs

from local.emulator import log_insights
from local.emulator.log_insights import MalformedQueryError, parse

GROUP = "/predict"


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # Recorded here, so that it is put back.
    monkeypatch.setattr(cloudwatch_logs, "_start_query", cloudwatch_logs._start_query)
    log_insights.install()
    with request_scope("000000000000", "us-east-1"):
        yield
        cloudwatch_logs.reset()


def line(at: int, **members: Any) -> dict[str, Any]:
    return {"_aws": {"Timestamp": at}, **members}


def test_lines_are_filtered_grouped_and_summed() -> None:
    query = parse(
        'filter ispresent(Bucket) and Model = "m" and _aws.Timestamp >= 10 and _aws.Timestamp < 20'
        " | stats count(Ms) as done, sum(Failures) as failed, sum(Ms > 1.5) as slow by Version, Bucket"
    )
    rows = query.rows(
        [
            line(10, Model="m", Version="1", Bucket="7", Ms=1.5),
            line(19, Model="m", Version="1", Bucket="7", Ms=1.6),
            line(19, Model="m", Version="1", Bucket=7, Failures=1),
            line(12, Model="m", Version="2", Bucket="7", Failures=2),
            line(20, Model="m", Version="1", Bucket="7", Ms=9),
            line(9, Model="m", Version="1", Bucket="7", Ms=9),
            line(12, Model="other", Version="1", Bucket="7", Ms=9),
            line(12, Model="m", Version="1", Ms=9),
            {"Model": "m", "Version": "1", "Bucket": "7", "Ms": 9},
        ]
    )
    assert rows == [
        {"Version": "1", "Bucket": "7", "done": "2", "failed": "1.0", "slow": "1.0"},
        {"Version": "2", "Bucket": "7", "done": "0", "failed": "2.0"},
    ]


def test_lines_without_a_grouping_field_are_a_group_unless_they_are_filtered_out() -> None:
    lines = [line(1, Version="1"), line(1, Version="1", Label="x"), line(1, Version="1")]
    rows = parse("filter ispresent(Version) | stats count(Version) as n by Version, Label").rows(lines)
    assert rows == [{"Version": "1", "n": "2"}, {"Version": "1", "Label": "x", "n": "1"}]
    rows = parse("filter not ispresent(Label) | stats count(Version) as n by Version").rows(lines)
    assert rows == [{"Version": "1", "n": "2"}]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("fields @message | stats count(*) as n by Version", "fields @message"),
        ("stats count(Version) as n by Version", "stats count"),
        ("filter Version like /1/ | stats count(Version) as n by Version", "Version like /1/"),
        ("filter Version = 1 or Label = 2 | stats count(Version) as n by Version", "Version = 1 or Label = 2"),
        ("filter ispresent(Version) | stats avg(Ms) as n by Version", "avg(Ms) as n"),
        ("filter ispresent(Version) | stats count(Ms > 1) as n by Version", "count(Ms > 1) as n"),
        ("filter ispresent(Version) | stats sum(Ms) by Version", "sum(Ms)"),
        ("filter ispresent(Version) | stats sum(Ms) as n by bin(1m)", "bin(1m)"),
        ("filter ispresent(Version) | stats sum(Ms) as n by Version | sort n", "Version | sort n"),
    ],
)
def test_what_is_not_known_is_refused_by_name(query: str, named: str) -> None:
    with pytest.raises(MalformedQueryError) as refused:
        parse(query)
    assert named in str(refused.value)


def answer(response: Any) -> Any:
    return response[0], json.loads(response[2])


def ask(text: str, start: int = 0, end: int = 10, group: str = GROUP) -> Any:
    return answer(
        cloudwatch_logs._start_query({"logGroupName": group, "queryString": text, "startTime": start, "endTime": end})
    )


def put(*lines: tuple[int, str]) -> None:
    cloudwatch_logs._create_log_group({"logGroupName": GROUP})
    cloudwatch_logs._create_log_stream({"logGroupName": GROUP, "logStreamName": "one"})
    events = [{"timestamp": at, "message": message} for at, message in lines]
    cloudwatch_logs._put_log_events({"logGroupName": GROUP, "logStreamName": "one", "logEvents": events})


COUNT = "filter ispresent(Version) | stats count(Version) as n by Version"


def test_a_query_covers_the_seconds_that_it_names_and_lines_of_other_kinds_are_none() -> None:
    put((1000, '{"Version": "1"}'), (2000, '{"Version": "1"}'), (2001, '{"Version": "1"}'), (1500, "{no"), (1500, "[]"))
    status, asked = ask(COUNT, 1, 2)
    assert status == 200
    _, found = answer(cloudwatch_logs._get_query_results({"queryId": asked["queryId"]}))
    assert found["status"] == "Complete"
    assert found["results"] == [[{"field": "Version", "value": "1"}, {"field": "n", "value": "2"}]]


def test_a_refusal_is_an_answer_as_of_aws() -> None:
    put()
    status, refused = ask(COUNT.replace("count(Version)", "pct(Version, 9)"))
    assert (status, refused["__type"]) == (400, "MalformedQueryException")
    assert "pct(Version" in refused["message"]
    status, refused = ask(COUNT, group="/gone")
    assert (status, refused["__type"]) == (400, "ResourceNotFoundException")


def test_old_answers_are_forgotten_and_queries_without_stats_are_ministacks() -> None:
    put((1000, '{"Version": "1"}'))
    for _ in range(log_insights.QUERIES_KEPT + 5):
        ask(COUNT)
    assert len(list(cloudwatch_logs._queries)) == log_insights.QUERIES_KEPT
    _, asked = ask("fields @message")
    _, found = answer(cloudwatch_logs._get_query_results({"queryId": asked["queryId"]}))
    assert found["results"][0][0] == {"field": "@message", "value": '{"Version": "1"}'}
