"""Judge what an account and this machine have by what a deploy needs: pure functions of values."""

from collections.abc import Collection, Sequence

from slipway.config.deployment.zones import ZONES, choose_zones, missing_zones, usable_zones
from slipway.preflight.needs import Needs
from slipway.preflight.results import Result, Status

LEAST_NODE = 22
_LEFT_UNRESERVED = 100  # Lambda keeps as many concurrent executions for functions without a reservation
_FEW_EXECUTIONS = 100
_HTTP_APIS = 600  # of an account in one region

# AWS's developer guide of Lambda, "Improving startup performance": all commercial regions but these.
REGIONS_WITHOUT_SNAPSTART = frozenset({"ap-southeast-6", "ap-east-2"})
_OTHER_PARTITIONS = ("cn-", "us-gov-", "us-iso", "eu-isoe", "eusc-")

LINKED_ROLES = {
    "AWSServiceRoleForECS": "ecs.amazonaws.com",
    "AWSServiceRoleForElasticLoadBalancing": "elasticloadbalancing.amazonaws.com",
    "AWSServiceRoleForApplicationAutoScaling_ECSService": "ecs.application-autoscaling.amazonaws.com",
    "AWSServiceRoleForAPIGateway": "ops.apigateway.amazonaws.com",
}
"""The service-linked roles of the heavy tier, and the services that they are for."""


def judge_region(region: str | None, priced: Collection[str]) -> Result:
    """Whether a region is chosen, and whether its prices are known."""
    if region is None:
        mend = "set AWS_REGION, or `region` in the AWS profile"
        return Result("region", Status.FAILS, "no region is configured", "the CDK does not know where to deploy", mend)
    if region not in priced:
        found = f"{region}, whose prices are not in the price file"
        mend = f"`slipway cost --region` of {', '.join(priced)} estimates it"
        return Result("region", Status.WARNING, found, "there is no bill", mend)
    return Result("region", Status.FINE, region)


def judge_bootstrap(version: int | None, needs: Needs) -> Result:
    """Whether `cdk bootstrap` has prepared the region, recently enough."""
    check, mend = "CDK bootstrap", "run `npx cdk bootstrap`"
    if version is None:
        consequence = "assets cannot be uploaded: the deploy stops before the first stack"
        return Result(check, Status.FAILS, "this account and region are not bootstrapped", consequence, mend)
    if version < needs.bootstrap_version:
        found = f"version {version}; the templates need {needs.bootstrap_version}"
        return Result(check, Status.FAILS, found, "CloudFormation refuses the templates", mend)
    return Result(check, Status.FINE, f"version {version}")


def judge_node(version: str | None) -> Result:
    """Whether Node is there and new enough for the CDK."""
    mend = f"install Node {LEAST_NODE} or later"
    if version is None:
        return Result("Node", Status.FAILS, "not found", "the CDK does not start", mend)
    major = version.removeprefix("v").partition(".")[0]
    if not major.isdecimal() or int(major) < LEAST_NODE:
        return Result("Node", Status.WARNING, version, "the CDK no longer supports it", mend)
    return Result("Node", Status.FINE, version)


def judge_cdk(version: str | None, pinned: str | None) -> Result:
    """Whether the CDK CLI of this checkout is the pinned one, which reads what the pinned library writes."""
    if version is None:
        return Result("CDK CLI", Status.FAILS, "not in node_modules", "nothing can be deployed", "run `npm ci`")
    if pinned is not None and version != pinned:
        found = f"{version}; package.json pins {pinned}"
        return Result("CDK CLI", Status.FAILS, found, "it may not read the library's assembly", "run `npm ci`")
    return Result("CDK CLI", Status.FINE, version)


def judge_docker(command: str, needs: Needs, *, answers: bool) -> Result:
    """Whether images can be built, if there is one to build."""
    if not needs.image:
        return Result("Docker", Status.FINE, "not needed: no model is heavy or trained in a task")
    if not answers:
        consequence = "the images of heavy models and of training cannot be built"
        mend = "start Docker, or name another builder in CDK_DOCKER"
        return Result("Docker", Status.FAILS, f"`{command} info` fails", consequence, mend)
    return Result("Docker", Status.FINE, f"{command} answers")


def judge_zones(region: str, available: Collection[str], wanted: Sequence[str] = ()) -> Result:
    """Whether the heavy tier's two zones exist in the account; ``available`` and ``wanted`` are ids, not letters."""
    check, chosen = "zones of the VPC link", choose_zones(region, wanted)
    if not chosen:
        found = f"AWS lists no zones of {region} with VPC links of HTTP APIs"
        mend = "name two with `network.zone_ids` once AWS lists them, or choose another region"
        return Result(check, Status.FAILS, found, "the VPC link cannot be created", mend)
    if missing := missing_zones(region, available, wanted):
        usable = usable_zones(region, available)
        mend = (
            f"set `network.zone_ids` to two of {', '.join(usable)}" if len(usable) >= ZONES else "choose another region"
        )
        return Result(check, Status.FAILS, f"no {', '.join(missing)} here", "the subnets cannot be created", mend)
    return Result(check, Status.FINE, ", ".join(chosen))


def judge_concurrency(limit: int, unreserved: int, needs: Needs, *, deployed: int = 0) -> Result:
    """Whether Lambda's concurrency has room; ``deployed`` is what this project has reserved already."""
    check, found = "Lambda concurrency", f"{limit} at once, {unreserved} of them unreserved"
    mend = "ask for more in Service Quotas: Lambda, Concurrent executions"
    left = unreserved + deployed - needs.reserved_concurrency
    if needs.reserved_concurrency and left < _LEFT_UNRESERVED:
        consequence = (
            f"reserving {needs.reserved_concurrency} leaves {left}, and Lambda wants {_LEFT_UNRESERVED} unreserved"
        )
        return Result(check, Status.FAILS, found, consequence, f"{mend}, or lower `reserved_concurrency`")
    if limit < _FEW_EXECUTIONS:
        consequence = "more calls at once are throttled: the quota of a new account is small"
        return Result(check, Status.WARNING, found, consequence, mend)
    return Result(check, Status.FINE, found)


def judge_vcpus(check: str, quota: float, least: float, most: float) -> Result:
    """Whether a quota of vCPUs has room for both slots of each heavy model."""
    found, mend = f"{quota:g} vCPUs", f"ask for more in Service Quotas: {check}"
    if quota < least:
        consequence = f"the first deploy runs {least:g} vCPUs of tasks, and its services never become stable"
        return Result(check, Status.FAILS, found, consequence, mend)
    if quota < most:
        consequence = f"both slots at `max_tasks` are {most:g} vCPUs: scaling out stops before"
        return Result(check, Status.WARNING, found, consequence, mend)
    return Result(check, Status.FINE, found)


def judge_training_vcpus(quota_name: str, quota: float, runs: tuple[float, float], *, standing: float = 0) -> Result:
    """Whether a quota of vCPUs has room for ``runs`` on GPUs, the largest one and one of each model.

    ``standing`` are the vCPUs of heavy models that the same quota counts.
    """
    check, (largest, all_) = f"{quota_name}, for training", runs
    found, mend = f"{quota:g} vCPUs", f"ask for more in Service Quotas: {quota_name}"
    beside = f" beside {standing:g} of heavy models" if standing else ""
    if quota < standing + largest:
        consequence = f"a run of training takes {largest:g} vCPUs{beside}, and its instance never starts"
        return Result(check, Status.WARNING, found, consequence, mend)
    if quota < standing + all_:
        consequence = f"runs of all models at once take {all_:g} vCPUs{beside}: some get no instance in time"
        return Result(check, Status.WARNING, found, consequence, mend)
    return Result(check, Status.FINE, found)


def judge_http_apis(count: int, *, deployed: bool) -> Result:
    """Whether the region has room for one more HTTP API."""
    if count >= _HTTP_APIS and not deployed:
        mend = "delete one, or ask for more in Service Quotas: API Gateway"
        return Result("HTTP APIs", Status.FAILS, f"{count}", f"a region has {_HTTP_APIS} at most", mend)
    return Result("HTTP APIs", Status.FINE, f"{count} of {_HTTP_APIS}")


def judge_request_rate(quota: float, needs: Needs) -> Result:
    """Whether the account's rate of API requests, which all its APIs share, is above the project's own throttle."""
    check, found = "API Gateway rate", f"{quota:g} requests a second in the region"
    if quota < needs.requests_per_second:
        consequence = f"`api.throttle.rate: {needs.requests_per_second:g}` is never reached: callers get 429 before"
        mend = "ask for more in Service Quotas: API Gateway, Throttle rate"
        return Result(check, Status.WARNING, found, consequence, mend)
    return Result(check, Status.FINE, found)


def judge_linked_roles(missing: Collection[str]) -> Result:
    """Whether the service-linked roles exist, which AWS creates at first use."""
    if missing:
        mend = "; ".join(
            f"`aws iam create-service-linked-role --aws-service-name {LINKED_ROLES[each]}`" for each in missing
        )
        consequence = "AWS creates them at first use, and the first deploy may fail before they are there"
        return Result("service-linked roles", Status.WARNING, f"no {', '.join(missing)}", consequence, mend)
    return Result("service-linked roles", Status.FINE, "all exist")


def judge_snap_start(region: str, needs: Needs) -> Result:
    """Whether functions can start from a snapshot in a region."""
    if not needs.snap_start:
        return Result("SnapStart", Status.FINE, "not used: `light.snap_start: false`")
    if region in REGIONS_WITHOUT_SNAPSTART or region.startswith(_OTHER_PARTITIONS):
        mend = "set `light.snap_start: false`"
        return Result("SnapStart", Status.FAILS, f"not in {region}", "Lambda refuses to create the functions", mend)
    return Result("SnapStart", Status.FINE, f"in {region}")
