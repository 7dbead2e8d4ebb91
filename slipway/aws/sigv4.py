"""Signs requests with AWS Signature Version 4, which botocore computes."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.session import Session

SIGNATURE_HEADERS = frozenset({"authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"})
"""The headers of a signature; a client's own values for them must not be sent as well."""


def environment_credentials() -> Credentials | None:
    """Return the credentials that AWS tools would use; a task's credentials refresh themselves on use."""
    return Session().get_credentials()


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs calls to one service in one region with one identity's keys; the default service is API Gateway."""

    credentials: Credentials
    region: str
    service: str = "execute-api"

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        """Return the headers that sign a request to the host of ``url``; raises BotoCoreError if the keys expired."""
        request = AWSRequest(method, _as_signed(url), headers={"host": urlsplit(url).netloc}, data=body)
        SigV4Auth(self.credentials, self.service, self.region).add_auth(request)
        return {name: str(value) for name, value in request.headers.items() if name.lower() in SIGNATURE_HEADERS}


def _as_signed(url: str) -> str:
    """Re-encode the query the way AWS does, because the signature covers that encoding and not the client's."""
    parts = urlsplit(url)
    query = urlencode(parse_qsl(parts.query, keep_blank_values=True), quote_via=quote)
    return urlunsplit(parts._replace(query=query))
