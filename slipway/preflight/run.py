"""Make all checks of a deploy: those of the machine, then those of the account."""

from collections.abc import Callable, Iterator
from typing import Protocol

from slipway.errors import UnavailableError
from slipway.preflight import judging
from slipway.preflight.machine import Machine
from slipway.preflight.needs import Needs
from slipway.preflight.results import Result, Status, unknown

FARGATE_VCPUS = ("Fargate On-Demand vCPU resource count", "fargate", "L-3032A538")
GPU_VCPUS = ("Running On-Demand G and VT instances", "ec2", "L-DB2E81BA")
SPOT_GPU_VCPUS = ("All G and VT Spot Instance Requests", "ec2", "L-3819A6DF")
_REQUEST_RATE = ("apigateway", "L-8A5B8E43")


class Account(Protocol):
    """What the checks ask an account; each method raises UnavailableError if it may not, or cannot, be asked."""

    @property
    def region(self) -> str: ...

    def caller(self) -> str: ...

    def parameter(self, name: str) -> str | None: ...

    def zones(self) -> dict[str, str]: ...

    def concurrency(self) -> tuple[int, int]: ...

    def quota(self, service: str, code: str) -> float: ...

    def http_apis(self) -> int: ...

    def has_role(self, name: str) -> bool: ...


def check_machine(machine: Machine, needs: Needs) -> Iterator[Result]:
    """The checks that need no account."""
    yield judging.judge_node(machine.node_version())
    yield judging.judge_cdk(machine.cdk_version(), machine.pinned_cdk())
    yield judging.judge_docker(machine.docker, needs, answers=needs.image and machine.docker_answers())


def check_account(account: Account, needs: Needs, *, deployed: bool = False, reserved: int = 0) -> Iterator[Result]:
    """The checks of an account; without valid credentials, only that they are missing.

    ``deployed`` says that the project's stacks are there, which have an API already, and ``reserved`` is their
    functions' concurrency.
    """
    try:
        yield Result("credentials", Status.FINE, account.caller())
    except UnavailableError as error:
        mend = "sign in with `aws sso login`, or set AWS_PROFILE or the keys of an IAM role"
        yield Result("credentials", Status.FAILS, str(error), "nothing can be deployed", mend)
        return
    yield judging.judge_snap_start(account.region, needs)
    checks: dict[str, Callable[[], Result]] = {
        "CDK bootstrap": lambda: _bootstrap(account, needs),
        "Lambda concurrency": lambda: judging.judge_concurrency(*account.concurrency(), needs, deployed=reserved),
        "HTTP APIs": lambda: judging.judge_http_apis(account.http_apis(), deployed=deployed),
        "API Gateway rate": lambda: judging.judge_request_rate(account.quota(*_REQUEST_RATE), needs),
        **(_heavy_checks(account, needs) if needs.heavy else {}),
        **_training_checks(account, needs),
    }
    for name, check in checks.items():
        try:
            yield check()
        except UnavailableError as error:
            yield unknown(name, str(error))


def _bootstrap(account: Account, needs: Needs) -> Result:
    value = account.parameter(needs.bootstrap_parameter)
    return judging.judge_bootstrap(int(value) if value is not None else None, needs)


def _heavy_checks(account: Account, needs: Needs) -> dict[str, Callable[[], Result]]:
    checks = {
        "zones of the VPC link": lambda: judging.judge_zones(account.region, account.zones().values(), needs.zone_ids),
        "service-linked roles": lambda: judging.judge_linked_roles(
            [role for role in judging.LINKED_ROLES if not account.has_role(role)]
        ),
    }
    for (name, service, code), least, most in (
        (FARGATE_VCPUS, needs.fargate_vcpus, needs.most_fargate_vcpus),
        (GPU_VCPUS, needs.gpu_vcpus, needs.most_gpu_vcpus),
    ):
        if least:
            checks[name] = _vcpus(account, name, (service, code), least, most)
    return checks


def _training_checks(account: Account, needs: Needs) -> dict[str, Callable[[], Result]]:
    quotas = ((GPU_VCPUS, needs.training_gpu_vcpus, needs.gpu_vcpus), (SPOT_GPU_VCPUS, needs.training_spot_vcpus, 0.0))
    return {
        f"{quota[0]}, for training": _training_vcpus(account, quota, runs, standing)
        for quota, runs, standing in quotas
        if runs[0]
    }


def _training_vcpus(
    account: Account, quota: tuple[str, str, str], runs: tuple[float, float], standing: float
) -> Callable[[], Result]:
    name, service, code = quota
    return lambda: judging.judge_training_vcpus(name, account.quota(service, code), runs, standing=standing)


def _vcpus(account: Account, name: str, quota: tuple[str, str], least: float, most: float) -> Callable[[], Result]:
    return lambda: judging.judge_vcpus(name, account.quota(*quota), least, most)
