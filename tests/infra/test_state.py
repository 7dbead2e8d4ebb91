"""The state stack: nothing in it can be lost or exposed by accident."""

import re

import pytest

TABLES = {"Features": True, "Predictions": False, "Control": True}


@pytest.mark.parametrize(("name", "has_sort_key"), TABLES.items())
def test_a_table_is_kept_and_can_be_restored(templates, name, has_sort_key):
    (table,) = [resource for id_, resource in templates.of_type("AWS::DynamoDB::Table").items() if id_.startswith(name)]
    properties = table["Properties"]
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    assert properties["DeletionProtectionEnabled"] is True
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert [key["AttributeName"] for key in properties["KeySchema"]] == (["pk", "sk"] if has_sort_key else ["pk"])
    assert "TableName" not in properties


def test_what_expires_is_removed_by_the_attribute_that_the_adapters_write(templates):
    expiring = {
        id_.rstrip("0123456789ABCDEF"): resource["Properties"]["TimeToLiveSpecification"]["AttributeName"]
        for id_, resource in templates.of_type("AWS::DynamoDB::Table").items()
        if "TimeToLiveSpecification" in resource["Properties"]
    }
    assert expiring == dict.fromkeys(("Features", "Predictions", "Control"), "expires_at")


def bucket_of(templates, name):
    (found,) = [r for id_, r in templates.of_type("AWS::S3::Bucket").items() if id_.startswith(name)]
    return found


@pytest.mark.parametrize("name", ["Models", "Captures", "History"])
def test_a_bucket_is_kept_encrypted_and_private(templates, name):
    bucket = bucket_of(templates, name)
    properties = bucket["Properties"]
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    (policy,) = [r for id_, r in templates.of_type("AWS::S3::BucketPolicy").items() if id_.startswith(name)]
    refused = [s for s in policy["Properties"]["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
    assert {"Bool": {"aws:SecureTransport": "false"}} in [statement["Condition"] for statement in refused]
    assert all(statement["Action"] == "s3:*" for statement in refused)


def test_packages_are_versioned(templates):
    properties = bucket_of(templates, "Models")["Properties"]
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    (lifecycle,) = properties["LifecycleConfiguration"]["Rules"]
    assert lifecycle["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}


def test_captures_are_deleted_in_time_and_leave_no_version(templates, synthesize):
    for kept, project in ((30, templates), (7, synthesize(rest="monitoring: { capture_retention_days: 7 }"))):
        properties = bucket_of(project, "Captures")["Properties"]
        assert "VersioningConfiguration" not in properties
        rules = properties["LifecycleConfiguration"]["Rules"]
        assert {rule["Status"] for rule in rules} == {"Enabled"}
        assert {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules} == {
            "captures/": kept,
            "aws/lambda/async/": kept,
            "ledgers/": kept,
            "profiles/": 400,
            "monitoring/": 400,
        }


def test_every_folder_that_a_function_writes_to_in_the_bucket_of_captures_expires(capturing):
    (lifecycle,) = [
        each["Properties"]["LifecycleConfiguration"]["Rules"]
        for name, each in capturing.of_type("AWS::S3::Bucket").items()
        if name.startswith("Captures")
    ]
    written = {
        folder
        for template in (capturing.serving, capturing.heavy, capturing.releases)
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::IAM::Policy"
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]
        if "s3:PutObject" in statement["Action"] and "CapturesBucket" in str(statement["Resource"])
        for folder in re.findall(r"'/([a-z/]+/)\*'", str(statement["Resource"]))
    }
    assert written == {rule["Prefix"] for rule in lifecycle}


def test_only_the_features_have_a_stream_whether_or_not_it_is_read(templates, recording):
    """Adding it is an update without replacement, and removing its export could not be deployed while it is used."""
    for project in (templates, recording):
        streams = {
            id_.rstrip("0123456789ABCDEF"): table["Properties"].get("StreamSpecification")
            for id_, table in project.of_type("AWS::DynamoDB::Table").items()
        }
        assert streams == {"Features": {"StreamViewType": "NEW_IMAGE"}, "Predictions": None, "Control": None}
        assert "ExportsOutputFnGetAttFeatures" in "".join(project.state["Outputs"])


def test_a_history_is_deleted_in_time_by_group_and_leaves_no_version(templates, recording):
    for kept, project in ((400, templates), (90, recording)):
        properties = bucket_of(project, "History")["Properties"]
        assert "VersioningConfiguration" not in properties
        failures, own = properties["LifecycleConfiguration"]["Rules"]
        assert (failures["Prefix"], failures["ExpirationInDays"]) == ("aws/lambda/", 30)
        assert (own["Prefix"], own["ExpirationInDays"]) == ("history/group=tumour/", kept)
        assert failures["Status"] == own["Status"] == "Enabled"


def test_turning_histories_on_or_off_takes_no_export_from_another_stack(templates, recording):
    exports = [
        {name for name in project.state["Outputs"] if name.startswith("ExportsOutput")}
        for project in (templates, recording)
    ]
    assert exports[0] == exports[1]


def test_turning_captures_on_or_off_takes_no_export_from_another_stack(templates, capturing):
    exports = [
        {output["Export"]["Name"] for output in project.state["Outputs"].values() if "Export" in output}
        for project in (templates, capturing)
    ]
    for found in exports:
        assert len([name for name in found if "CapturesBucket" in name]) == 2


def test_the_outputs_name_what_the_command_line_needs(templates):
    assert {"FeaturesTable", "PredictionsTable", "ControlTable", "ModelBucket"} <= set(templates.state["Outputs"])
    assert {"ApiUrl", "ApiId", "PredictFunction", "FeaturesFunction", "FeedbackFunction"} <= set(
        templates.serving["Outputs"]
    )
