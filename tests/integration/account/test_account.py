"""What the adapter reads of an account: moto's, and what botocore's stubs answer where moto has nothing."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from slipway.aws.account import Account
from slipway.aws.stacks import stack_template
from slipway.cli.account.synthesis import deployed_templates
from slipway.errors import UnavailableError

REGION = "us-east-1"


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


@pytest.fixture
def account() -> Iterator[Account]:
    with mock_aws():
        yield Account(REGION)


def test_the_caller_is_named(account: Account) -> None:
    assert account.caller().startswith("arn:aws:sts::123456789012:")


def test_a_parameter_is_there_or_not(account: Account) -> None:
    assert account.parameter("/cdk-bootstrap/hnb659fds/version") is None
    boto3.client("ssm", REGION).put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="28", Type="String")
    assert account.parameter("/cdk-bootstrap/hnb659fds/version") == "28"


def test_zones_have_their_ids(account: Account) -> None:
    zones = account.zones()
    assert set(zones.values()) == {f"use1-az{number}" for number in range(1, 7)}
    assert all(name.startswith(REGION) for name in zones)


def test_http_apis_are_counted(account: Account) -> None:
    assert account.http_apis() == 0
    boto3.client("apigatewayv2", REGION).create_api(Name="one", ProtocolType="HTTP")
    assert account.http_apis() == 1


def test_a_role_is_there_or_not(account: Account) -> None:
    assert not account.has_role("AWSServiceRoleForECS")
    boto3.client("iam", REGION).create_role(RoleName="AWSServiceRoleForECS", AssumeRolePolicyDocument="{}")
    assert account.has_role("AWSServiceRoleForECS")


def test_what_is_not_answered_is_unavailable(account: Account) -> None:
    with pytest.raises(UnavailableError, match="Service Quotas"):
        account.quota("fargate", "L-3032A538")


def test_a_deployed_template_is_read_and_a_missing_stack_is_none(account: Account) -> None:
    body = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
    boto3.client("cloudformation", REGION).create_stack(StackName="shop-serving", TemplateBody=body)
    found = stack_template("shop-serving", {"region_name": REGION})
    assert found is not None
    assert found["Resources"]["Topic"]["Type"] == "AWS::SNS::Topic"
    assert stack_template("shop-heavy", {"region_name": REGION}) is None


@pytest.mark.usefixtures("account")
def test_every_stack_of_a_project_that_is_deployed_is_read() -> None:
    body = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
    for name in ("shop-serving", "shop-batch", "shop-training", "shop-other"):
        boto3.client("cloudformation", REGION).create_stack(StackName=name, TemplateBody=body)
    assert set(deployed_templates("shop", {"region_name": REGION})) == {"shop-serving", "shop-batch", "shop-training"}


class Stubbed(Account):
    """An account whose client of one service is given."""

    def __init__(self, client: Any) -> None:
        super().__init__(REGION)
        self._given = client

    def _client(self, service: str) -> Any:
        assert service == self._given.meta.service_model.service_name
        return self._given


def test_the_quota_and_the_concurrency_are_read_as_aws_writes_them() -> None:
    quotas, functions = boto3.client("service-quotas", REGION), boto3.client("lambda", REGION)
    with Stubber(quotas) as stubs:
        asked = {"ServiceCode": "fargate", "QuotaCode": "L-3032A538"}
        stubs.add_response("get_service_quota", {"Quota": {"Value": 6.0}}, asked)
        assert Stubbed(quotas).quota("fargate", "L-3032A538") == 6.0
    with Stubber(functions) as stubs:
        limits = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 900}
        stubs.add_response("get_account_settings", {"AccountLimit": limits}, {})
        assert Stubbed(functions).concurrency() == (1000, 900)


@pytest.mark.parametrize(
    ("service", "operation", "call"),
    [
        ("ssm", "get_parameter", lambda account: account.parameter("/x")),
        ("ec2", "describe_availability_zones", lambda account: account.zones()),
        ("lambda", "get_account_settings", lambda account: account.concurrency()),
        ("service-quotas", "get_service_quota", lambda account: account.quota("ec2", "L-DB2E81BA")),
        ("apigatewayv2", "get_apis", lambda account: account.http_apis()),
        ("iam", "get_role", lambda account: account.has_role("AWSServiceRoleForECS")),
    ],
)
def test_a_call_without_rights_is_unavailable_and_no_crash(service: str, operation: str, call: Any) -> None:
    client = boto3.client(service, REGION)
    with Stubber(client) as stubs:
        stubs.add_client_error(operation, "AccessDeniedException", "User is not authorized", 403)
        with pytest.raises(UnavailableError, match="not authorized"):
            call(Stubbed(client))
