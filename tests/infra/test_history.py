"""The history of features: the stream that is read, the function's permissions, and the handling of its failures."""

import json

import pytest
from support.templates import acknowledged_in, compare_with_snapshot, lint

from functions.history.settings import Settings

BUCKET = "tiny-state:ExportsOutputFnGetAttHistoryBucket"


@pytest.fixture
def resources(recording):
    """The resources of the function."""
    return {name: each for name, each in recording.serving["Resources"].items() if name.startswith("History")}


def only(resources, type_):
    (found,) = [each for each in resources.values() if each["Type"] == type_]
    return found


def resource(reference):
    """A resource of the state stack, or the log group, by a word; with the objects below it."""
    match reference:
        case str():
            return reference
        case {"Fn::Join": [_, [whole, below]]}:
            return resource(whole) + below
        case {"Fn::GetAtt": [name, _]} if name.startswith("HistoryFunctionLogs"):
            return "logs"
        case {"Fn::ImportValue": name} if "HistoryBucket" in name:
            return "bucket"
        case {"Fn::ImportValue": name} if "Features" in name and "StreamArn" in name:
            return "stream"
    return "?"


def test_it_reads_the_changes_of_the_recorded_groups_in_batches(resources):
    mapping = only(resources, "AWS::Lambda::EventSourceMapping")["Properties"]
    assert resource(mapping["EventSourceArn"]) == "stream"
    assert mapping["FunctionName"]["Ref"].startswith("HistoryFunctionLive")
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["MaximumBatchingWindowInSeconds"] == 60
    (pattern,) = mapping["FilterCriteria"]["Filters"]
    assert json.loads(pattern["Pattern"]) == {"dynamodb": {"Keys": {"sk": {"S": ["tumour"]}}}}


def test_what_it_fails_on_is_split_tried_again_and_then_kept_where_histories_are(resources):
    mapping = only(resources, "AWS::Lambda::EventSourceMapping")
    properties = mapping["Properties"]
    assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert properties["BisectBatchOnFunctionError"] is True
    assert "MaximumRetryAttempts" not in properties  # until they are too old
    assert properties["MaximumRecordAgeInSeconds"] < 24 * 3600
    assert resource(properties["DestinationConfig"]["OnFailure"]["Destination"]) == "bucket"
    # Lambda refuses a mapping whose role may not read the stream, or write there.
    assert any(name.startswith("HistoryFunctionRoleDefaultPolicy") for name in mapping["DependsOn"])


def test_it_may_read_the_stream_and_write_files_and_nothing_else(resources):
    found = []
    for statement in only(resources, "AWS::IAM::Policy")["Properties"]["PolicyDocument"]["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        found.append((actions, resource(statement["Resource"])))
    assert found == [
        (["logs:CreateLogStream", "logs:PutLogEvents"], "logs"),
        (["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"], "stream"),
        (["dynamodb:ListStreams"], "*"),
        (["s3:ListBucket"], "bucket"),
        (["s3:PutObject"], "bucket/history/*"),
        (["s3:PutObject"], "bucket/aws/lambda/*"),
    ]


def test_somebody_is_told_long_before_the_stream_forgets(resources):
    alarm = only(resources, "AWS::CloudWatch::Alarm")["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == ("AWS/Lambda", "IteratorAge", "Maximum")
    assert alarm["Threshold"] <= 3600 * 1000
    assert alarm["AlarmActions"]


def test_the_environment_is_what_the_function_reads(resources):
    variables = only(resources, "AWS::Lambda::Function")["Properties"]["Environment"]["Variables"]
    assert Settings.of({name: resource(value) for name, value in variables.items()}).bucket == "bucket"


def test_without_a_history_there_is_no_function_and_nothing_reads_the_stream(templates):
    assert not templates.of_type("AWS::Lambda::EventSourceMapping")
    assert not [name for name in templates.of_type("AWS::Lambda::Function") if name.startswith("History")]


def test_cfn_lint_has_nothing_to_say(recording):
    assert lint(recording.serving) == []
    assert lint(recording.state) == []


def test_nothing_is_acknowledged_but_the_names_of_files_and_the_list_of_streams(recording):
    at = "tiny-serving/History/Function"
    found = {path: each for path, each in acknowledged_in(recording).items() if path.startswith(at)}
    (listed,) = [each for each in found[f"{at}/Role"] if each.endswith("::*]")]
    assert listed == "AwsSolutions-IAM5[Resource::*]"
    files = found[f"{at}/Role"] - {listed}
    assert {each.partition(BUCKET)[2].partition("/")[2] for each in files} == {"history/*]", "aws/lambda/*]"}
    assert found[f"{at}/Function"] == {"AwsSolutions-L1", "@aws-cdk/aws-lambda:snapStartRequirePublish"}


def test_the_resources_are_what_they_were(resources):
    compare_with_snapshot("history", {"Resources": resources})
