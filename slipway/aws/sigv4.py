"""Signature Version 4, as AWS asks for it; botocore computes it."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.session import Session

SIGNATURE_HEADERS = frozenset({"authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"})
"""What a signed request has of a signature; a client's own must not stand beside them."""


def environment_credentials() -> Credentials | None:
    """The credentials that AWS's tools would use; those of a task renew themselves when they are used."""
    return Session().get_credentials()


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs calls to one service in one region with one identity's keys; by default, to an API of API Gateway."""

    credentials: Credentials
    region: str
    service: str = "execute-api"

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        """The headers that sign a request whose Host is that of ``url``; raises BotoCoreError where keys expired."""
        request = AWSRequest(method, _as_signed(url), headers={"host": urlsplit(url).netloc}, data=body)
        SigV4Auth(self.credentials, self.service, self.region).add_auth(request)
        return {name: str(value) for name, value in request.headers.items() if name.lower() in SIGNATURE_HEADERS}


def _as_signed(url: str) -> str:
    """A signature covers the parameters as AWS reads them, however the client spelt them."""
    parts = urlsplit(url)
    query = urlencode(parse_qsl(parts.query, keep_blank_values=True), quote_via=quote)
    return urlunsplit(parts._replace(query=query))
