"""Recognize a body that was not UTF-8 before API Gateway made it a text."""

from starlette.requests import Request

from slipway.errors import MalformedError

_REPLACEMENT = "\ufffd".encode()


def require_intact(request: Request, body: bytes) -> None:
    """Raise MalformedError if bytes that were not UTF-8 have been replaced on the way.

    An HTTP API hands a JSON body to a function as a string. Bytes that no string can hold have become U+FFFD by then,
    of three bytes each, so that the body is no longer as long as its `content-length`.
    """
    if _REPLACEMENT not in body or "content-encoding" in request.headers:
        return
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) != len(body):
        raise MalformedError.of("(body)", "is not UTF-8; send JSON as UTF-8")
