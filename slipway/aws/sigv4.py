"""Signature Version 4 for APIs of API Gateway that ask for IAM authorization; botocore computes it."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

SIGNATURE_HEADERS = frozenset({"authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"})
"""What a signed request has of a signature; a client's own must not stand beside them."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs calls in one region with one identity's keys."""

    credentials: Credentials
    region: str

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        """The headers that sign a request whose Host is that of ``url``; raises BotoCoreError where keys expired."""
        request = AWSRequest(method, _as_signed(url), headers={"host": urlsplit(url).netloc}, data=body)
        SigV4Auth(self.credentials, "execute-api", self.region).add_auth(request)
        return {name: str(value) for name, value in request.headers.items() if name.lower() in SIGNATURE_HEADERS}


def _as_signed(url: str) -> str:
    """A signature covers the parameters as AWS reads them, however the client spelt them."""
    parts = urlsplit(url)
    query = urlencode(parse_qsl(parts.query, keep_blank_values=True), quote_via=quote)
    return urlunsplit(parts._replace(query=query))
