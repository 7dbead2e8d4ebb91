import httpx
import pytest
from botocore.credentials import Credentials

from slipway.cli.signing import SigV4Auth
from slipway.errors import InputError


class Session:
    """The part of a botocore session that `SigV4Auth` uses."""

    def __init__(self, credentials: Credentials | None, region: str | None = None) -> None:
        self._credentials, self._region = credentials, region

    def get_credentials(self) -> Credentials | None:
        return self._credentials

    def get_config_variable(self, _: str) -> str | None:
        return self._region


def sign(session: Session, url: str) -> httpx.Headers:
    request = httpx.Request("POST", url, json={"inputs": []})
    return next(SigV4Auth(session).auth_flow(request)).headers  # type: ignore[arg-type]  # what it uses of one


def test_the_region_is_the_one_of_the_api():
    session = Session(Credentials("AKIDEXAMPLE", "secret", "session"), region="us-east-1")
    headers = sign(session, "https://abc.execute-api.eu-west-1.amazonaws.com/v1/models")
    assert "/eu-west-1/execute-api/aws4_request" in headers["authorization"]
    assert headers["x-amz-security-token"] == "session"
    assert "secret" not in headers["authorization"]


def test_a_custom_domain_takes_the_configured_region():
    session = Session(Credentials("AKIDEXAMPLE", "secret"), region="ap-south-1")
    assert "/ap-south-1/" in sign(session, "https://api.example.org/v1/models")["authorization"]


def test_without_credentials_the_error_says_how_to_get_them():
    with pytest.raises(InputError, match="aws configure"):
        sign(Session(None), "https://abc.execute-api.eu-west-1.amazonaws.com/")


def test_without_a_region_the_error_says_what_to_set():
    with pytest.raises(InputError, match="AWS_REGION"):
        sign(Session(Credentials("a", "b")), "https://api.example.org/")
