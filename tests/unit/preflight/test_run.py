"""Which checks are made, and what becomes of one that AWS refuses."""

from dataclasses import dataclass, field

import pytest

from slipway.config import Config, parse_config
from slipway.errors import UnavailableError
from slipway.preflight.judging import LINKED_ROLES
from slipway.preflight.needs import needs_of
from slipway.preflight.results import Status
from slipway.preflight.run import FARGATE_VCPUS, GPU_VCPUS, SPOT_GPU_VCPUS, check_account

LIGHT = parse_config("models: { small: { versions: [1], stable: 1 } }")
HEAVY = parse_config("models: { large: { tier: heavy, versions: [1], stable: 1 } }")


@dataclass
class FakeAccount:
    """An account in memory that refuses what it is told to."""

    refused: set[str] = field(default_factory=set)
    region: str = "us-east-1"
    roles: set[str] = field(default_factory=lambda: set(LINKED_ROLES))

    def _answer(self, call: str) -> None:
        if call in self.refused:
            raise UnavailableError(call, "AccessDenied")

    def caller(self) -> str:
        self._answer("caller")
        return "arn:aws:iam::123456789012:user/someone"

    def parameter(self, name: str) -> str | None:
        self._answer("parameter")
        return "28"

    def zones(self) -> dict[str, str]:
        self._answer("zones")
        return {"us-east-1a": "use1-az1", "us-east-1b": "use1-az2"}

    def concurrency(self) -> tuple[int, int]:
        self._answer("concurrency")
        return 1000, 1000

    def quota(self, service: str, code: str) -> float:
        self._answer("quota")
        return 10_000.0

    def http_apis(self) -> int:
        self._answer("http_apis")
        return 3

    def has_role(self, name: str) -> bool:
        self._answer("has_role")
        return name in self.roles


def test_a_good_account_passes_every_check() -> None:
    results = list(check_account(FakeAccount(), needs_of(HEAVY, {})))
    assert {result.status for result in results} == {Status.FINE}
    assert {"zones of the VPC link", "service-linked roles", FARGATE_VCPUS[0]} <= {result.check for result in results}


def test_light_models_ask_nothing_of_the_heavy_tier() -> None:
    refuse = {"zones", "has_role"}
    results = list(check_account(FakeAccount(refuse), needs_of(LIGHT, {})))
    assert {result.status for result in results} == {Status.FINE}


def trained(options: str) -> Config:
    training = f'{{ recipe: "r:train", {options} }}'
    return parse_config(f"models: {{ small: {{ versions: [1], stable: 1, training: {training} }} }}")


@pytest.mark.parametrize(
    ("options", "quotas"),
    [
        ("compute: gpu", {GPU_VCPUS[0]}),
        ("compute: gpu, spot: true", {SPOT_GPU_VCPUS[0]}),
        ("compute: fargate", set()),
    ],
)
def test_the_quota_of_gpus_is_asked_for_only_if_training_uses_them(options: str, quotas: set[str]) -> None:
    results = list(check_account(FakeAccount(), needs_of(trained(options), {})))
    asked = {name for name in (GPU_VCPUS[0], SPOT_GPU_VCPUS[0]) if any(each.check.startswith(name) for each in results)}
    assert asked == quotas


def test_a_refused_call_is_a_check_that_cannot_tell_and_the_others_go_on() -> None:
    calls = {"parameter", "zones", "concurrency", "quota", "http_apis", "has_role"}
    everything = list(check_account(FakeAccount(calls), needs_of(HEAVY, {})))
    assert {result.check for result in everything if result.status is Status.UNKNOWN} == {
        "CDK bootstrap",
        "zones of the VPC link",
        "Lambda concurrency",
        "HTTP APIs",
        "API Gateway rate",
        "service-linked roles",
        FARGATE_VCPUS[0],
    }
    one = list(check_account(FakeAccount({"quota"}), needs_of(LIGHT, {})))
    assert [result.check for result in one if result.status is not Status.FINE] == ["API Gateway rate"]


def test_without_credentials_nothing_else_is_asked() -> None:
    (only,) = check_account(FakeAccount({"caller"}), needs_of(HEAVY, {}))
    assert (only.check, only.status) == ("credentials", Status.FAILS)
    assert "aws sso login" in only.mend
