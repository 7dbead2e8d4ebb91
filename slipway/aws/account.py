"""Reads what an account has: its identity, bootstrap, zones, quotas and roles. It changes nothing."""

from collections.abc import Mapping
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from slipway.aws.clients import answered_by, new_client
from slipway.errors import UnavailableError

_PAGE = "500"


def configured_region() -> str | None:
    """The region of the environment or the profile, or None; raises UnavailableError if the profile does not exist."""
    try:
        region: str | None = boto3.Session().region_name
    except BotoCoreError as error:
        raise UnavailableError("the AWS profile", str(error)) from error
    return region


class Account:
    """One account and region, as the current credentials see it; ``options`` are boto3's client options.

    Every method raises UnavailableError when AWS cannot be reached, or refuses the call.
    """

    def __init__(self, region: str, options: Mapping[str, Any] | None = None) -> None:
        self.region = region
        self._options = {"region_name": region, **(options or {})}

    def caller(self) -> str:
        """The ARN of the caller."""
        with answered_by("STS"):
            return str(self._client("sts").get_caller_identity()["Arn"])

    def parameter(self, name: str) -> str | None:
        """The value of an SSM parameter, or None."""
        try:
            return str(self._client("ssm").get_parameter(Name=name)["Parameter"]["Value"])
        except ClientError as error:
            if error.response["Error"]["Code"] == "ParameterNotFound":
                return None
            raise UnavailableError("SSM", str(error)) from error
        except BotoCoreError as error:
            raise UnavailableError("SSM", str(error)) from error

    def zones(self) -> dict[str, str]:
        """The ids of the region's availability zones by the account's own names."""
        only = [{"Name": "zone-type", "Values": ["availability-zone"]}, {"Name": "state", "Values": ["available"]}]
        with answered_by("EC2"):
            found = self._client("ec2").describe_availability_zones(Filters=only)["AvailabilityZones"]
        return {zone["ZoneName"]: zone["ZoneId"] for zone in found}

    def concurrency(self) -> tuple[int, int]:
        """How many Lambda functions may run at once, and how many of these are not reserved."""
        with answered_by("Lambda"):
            limits = self._client("lambda").get_account_settings()["AccountLimit"]
            return int(limits["ConcurrentExecutions"]), int(limits["UnreservedConcurrentExecutions"])

    def quota(self, service: str, code: str) -> float:
        """The value of a service quota."""
        with answered_by("Service Quotas"):
            found = self._client("service-quotas").get_service_quota(ServiceCode=service, QuotaCode=code)
        return float(found["Quota"]["Value"])

    def http_apis(self) -> int:
        """How many HTTP and WebSocket APIs there are."""
        count = 0
        following: dict[str, str] = {}
        with answered_by("API Gateway"):
            while True:
                page = self._client("apigatewayv2").get_apis(MaxResults=_PAGE, **following)
                count += len(page["Items"])
                if not page.get("NextToken"):
                    return count
                following = {"NextToken": page["NextToken"]}

    def has_role(self, name: str) -> bool:
        """Whether an IAM role exists."""
        try:
            self._client("iam").get_role(RoleName=name)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchEntity":
                return False
            raise UnavailableError("IAM", str(error)) from error
        except BotoCoreError as error:
            raise UnavailableError("IAM", str(error)) from error
        return True

    def _client(self, service: str) -> Any:
        return new_client(service, self._options)
