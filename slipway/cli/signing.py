"""Signs the command line's calls with the credentials that the AWS tools would use."""

from collections.abc import Generator
from functools import cached_property

import httpx
from botocore.credentials import Credentials
from botocore.session import Session

from slipway.aws.sigv4 import Signer
from slipway.errors import InputError


class SigV4Auth(httpx.Auth):
    """Authorization by IAM; raises InputError where there are no credentials, or no region."""

    requires_request_body = True

    def __init__(self, session: Session | None = None) -> None:
        self._session = session or Session()

    @cached_property
    def _credentials(self) -> Credentials:
        credentials = self._session.get_credentials()
        if credentials is None:
            raise InputError.of("AWS credentials", "none were found; `aws configure` or AWS_PROFILE gives them")
        return credentials

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign one request; the region is the one in the API's own host name."""
        signer = Signer(self._credentials, self._region(request.url.host))
        request.headers.update(signer.headers(request.method, str(request.url), request.content))
        yield request

    def _region(self, host: str) -> str:
        parts = host.split(".")  # {id}.execute-api.{region}.amazonaws.com
        if len(parts) >= 5 and parts[1] == "execute-api":
            return parts[2]
        if region := self._session.get_config_variable("region"):
            return str(region)
        raise InputError.of("AWS region", f"{host} does not tell it; set AWS_REGION")
