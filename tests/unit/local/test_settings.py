from pathlib import Path

from local.environment import settings

SHELL = {
    "PATH": "/usr/bin",
    "HOME": "/home/u",
    "AWS_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "AKIAREAL",
    "AWS_SESSION_TOKEN": "secret",
    "AWS_ENDPOINT_URL_DYNAMODB": "https://elsewhere",
    "CDK_DEFAULT_ACCOUNT": "111122223333",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONPATH": "/elsewhere",
    "HTTPS_PROXY": "http://proxy:3128",
    "UV_CACHE_DIR": "/cache",
}
REAL = {"production", "AKIAREAL", "secret", "https://elsewhere", "111122223333"}


def test_no_process_gets_the_shells_own_aws() -> None:
    for environment in (
        settings.emulator_environment(SHELL, port=4566, temporary=Path("/t")),
        settings.cdk_environment(SHELL, emulator="http://127.0.0.1:4566"),
        settings.front_door_environment(SHELL, keys=("AKIALOCAL", "local")),
        settings.front_door_environment(SHELL, keys=None),
    ):
        assert REAL.isdisjoint(environment.values())
        assert environment.keys().isdisjoint({"PYTHONDONTWRITEBYTECODE", "PYTHONPATH"})
        assert "127.0.0.1" in environment["NO_PROXY"]


def test_functions_inherit_little_of_the_shell() -> None:
    environment = settings.emulator_environment(SHELL, port=4566, temporary=Path("/t"))

    assert environment.keys().isdisjoint({"HTTPS_PROXY", "UV_CACHE_DIR"})
    assert (environment["BIND_HOST"], environment["AUTH"]) == ("127.0.0.1", "true")


def test_the_cdk_is_aimed_at_the_emulator_and_keeps_what_it_needs() -> None:
    environment = settings.cdk_environment(SHELL, emulator="http://127.0.0.1:4566")

    assert environment["AWS_ENDPOINT_URL"] == environment["AWS_ENDPOINT_URL_S3"] == "http://127.0.0.1:4566"
    assert environment["UV_CACHE_DIR"] == "/cache"
    assert environment["PATH"].endswith(":/usr/bin")


def test_a_load_balancer_is_found_by_its_name() -> None:
    address = "http://heavy-test-heavy-Balancer-4F2A-1b2c3d4e.us-east-1.elb.amazonaws.com"

    assert settings.balancer_name(address) == "heavy-test-heavy-balancer-4f2a"


def test_only_a_front_door_that_signs_has_keys() -> None:
    assert settings.front_door_environment(SHELL, keys=("AKIALOCAL", "local"))["AWS_ACCESS_KEY_ID"] == "AKIALOCAL"
    assert "AWS_ACCESS_KEY_ID" not in settings.front_door_environment(SHELL, keys=None)
