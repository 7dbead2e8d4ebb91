"""The stateful stack: nothing in it can be lost or read by accident."""

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


def test_the_bucket_is_kept_versioned_encrypted_and_private(templates):
    (bucket,) = templates.of_type("AWS::S3::Bucket").values()
    properties = bucket["Properties"]
    assert bucket["DeletionPolicy"] == "Retain"
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    (lifecycle,) = properties["LifecycleConfiguration"]["Rules"]
    assert lifecycle["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}


def test_the_bucket_refuses_what_is_not_tls(templates):
    (policy,) = templates.of_type("AWS::S3::BucketPolicy").values()
    refused = [s for s in policy["Properties"]["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
    assert {"Bool": {"aws:SecureTransport": "false"}} in [statement["Condition"] for statement in refused]
    assert all(statement["Action"] == "s3:*" for statement in refused)


def test_the_outputs_name_what_the_command_line_needs(templates):
    assert {"FeaturesTable", "PredictionsTable", "ControlTable", "ModelBucket"} <= set(templates.state["Outputs"])
    assert {"ApiUrl", "ApiId", "PredictFunction", "FeaturesFunction", "FeedbackFunction"} <= set(
        templates.serving["Outputs"]
    )
