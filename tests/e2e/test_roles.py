"""The functions' roles are enforced here as in AWS, so a function that may do too little or too much is found out."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

TWEETS = "/v1/models/tweet-sentiment/predict"
PATIENTS = "/v1/models/breast-cancer/predict"
PATIENT = "/v1/features/patient/p001"


@contextmanager
def tables_down_for(aws: Any, function: str) -> Iterator[None]:
    """Take a function's access to DynamoDB away, as a table that is down would; the role keeps all else."""
    role = aws("lambda").get_function_configuration(FunctionName=function)["Role"].rsplit("/", 1)[-1]
    iam = aws("iam")
    policy = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*"}]}'
    iam.put_role_policy(RoleName=role, PolicyName="outage", PolicyDocument=policy)
    try:
        yield
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="outage")


def test_without_its_table_a_model_says_so_and_the_others_go_on(
    api: httpx.Client, aws: Any, outputs: dict[str, str]
) -> None:
    own = {
        name: value for group in api.get(PATIENT).json()["groups"].values() for name, value in group["values"].items()
    }
    with tables_down_for(aws, outputs["PredictFunction"]):
        needs_store = api.post(PATIENTS, json={"inputs": [{"patient": "p001"}]})
        brings_all = api.post(PATIENTS, json={"inputs": [own]})
        tweet = api.post(TWEETS, json={"inputs": [{"text": "Good."}]})

    assert needs_store.status_code == 503
    assert needs_store.headers["content-type"] == "application/problem+json"
    assert "feature store" in needs_store.json()["detail"]
    assert brings_all.status_code == 200
    assert tweet.status_code == 200
    assert api.post(PATIENTS, json={"inputs": [{"patient": "p001"}]}).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_without_its_table_the_store_says_so(api: httpx.Client, aws: Any, outputs: dict[str, str], method: str) -> None:
    groups = {"tumour-mean": {"event_time": "2026-06-01T00:00:00Z", "values": {"mean_radius": 12.5}}}
    body = {"groups": groups} if method == "PUT" else None
    with tables_down_for(aws, outputs["FeaturesFunction"]):
        answer = api.request(method, PATIENT, json=body)

    assert answer.status_code == 503
    assert api.get(PATIENT).json()["groups"]["tumour-mean"]["values"]["mean_radius"] != 12.5


def test_without_its_table_feedback_says_so(api: httpx.Client, aws: Any, outputs: dict[str, str]) -> None:
    made = api.post("/v1/models/tweet-sentiment/predict", json={"inputs": [{"text": "good"}]}).json()
    body = {"prediction_id": made["predictions"][0]["id"], "label": "positive"}
    with tables_down_for(aws, outputs["FeedbackFunction"]):
        assert api.post("/v1/feedback", json=body).status_code == 503
    assert api.post("/v1/feedback", json=body).status_code == 201


def test_the_tables_are_as_the_template_says(aws: Any, outputs: dict[str, str]) -> None:
    dynamodb = aws("dynamodb")
    for name in ("FeaturesTable", "PredictionsTable", "ControlTable"):
        ttl = dynamodb.describe_time_to_live(TableName=outputs[name])["TimeToLiveDescription"]
        assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
    for name in ("FeaturesTable", "PredictionsTable", "ControlTable"):
        assert dynamodb.describe_table(TableName=outputs[name])["Table"]["DeletionProtectionEnabled"]
