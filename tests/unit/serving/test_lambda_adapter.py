"""Events of an HTTP API, and what goes back to it."""

import asyncio
import base64
import json
from pathlib import Path

import pytest

from slipway.serving.http.lambda_adapter import LambdaHandler, never

EVENT = json.loads((Path(__file__).parents[2] / "events" / "predict.json").read_text(encoding="utf-8"))


def answering(status: int = 200, *, body: bytes = b"", headers=(), seen: list | None = None):
    """An app that answers this, and notes the scope and the body of each request."""

    async def app(scope, receive, send) -> None:
        message = await receive()
        if seen is not None:
            seen.append((scope, message["body"]))
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        await send({"type": "http.response.body", "body": body[:3], "more_body": True})
        await send({"type": "http.response.body", "body": body[3:]})

    return app


@pytest.mark.parametrize("at_once", [never, lambda scope: scope["method"] == "POST"], ids=["loop", "at once"])
def test_an_event_becomes_a_scope_and_text_comes_back_as_it_is(at_once) -> None:
    seen: list = []
    headers = [(b"content-type", b"application/problem+json"), (b"vary", b"a"), (b"vary", b"b")]
    app = answering(422, body='{"what": "ö"}'.encode(), headers=headers, seen=seen)
    event = {**EVENT, "rawQueryString": "a=1&b=%20", "cookies": ["x=1", "y=2"]}
    event["requestContext"]["http"]["path"] = "/v1/models/a%20b/predict"
    answer = LambdaHandler(app, at_once)(event, "context")
    assert answer == {
        "statusCode": 422,
        "headers": {"content-type": "application/problem+json", "vary": "a,b"},
        "body": '{"what": "ö"}',
        "isBase64Encoded": False,
    }
    ((scope, body),) = seen
    assert body == EVENT["body"].encode()
    assert (scope["method"], scope["path"], scope["query_string"]) == ("POST", "/v1/models/a b/predict", b"a=1&b=%20")
    assert dict(scope["headers"])[b"cookie"] == b"x=1; y=2"
    assert scope["server"] == ("a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com", 443)
    assert (scope["scheme"], scope["client"], scope["aws.context"]) == ("https", ("203.0.113.7", 0), "context")


def test_bytes_go_in_base64_both_ways() -> None:
    seen: list = []
    app = answering(body=b"\x00\xff\x01\x02", headers=[(b"content-type", b"application/octet-stream")], seen=seen)
    event = {**EVENT, "body": base64.b64encode(b"\xfe\x00").decode(), "isBase64Encoded": True}
    answer = LambdaHandler(app, never)(event, None)
    assert (answer["isBase64Encoded"], base64.b64decode(answer["body"])) == (True, b"\x00\xff\x01\x02")
    assert seen[0][1] == b"\xfe\x00"


def test_cookies_go_apart() -> None:
    app = answering(body=b"text", headers=[(b"content-type", b"text/plain"), (b"set-cookie", b"a=1")])
    assert LambdaHandler(app, never)(EVENT, None)["cookies"] == ["a=1"]


def test_the_client_is_there_until_it_was_answered() -> None:
    async def app(scope, receive, send) -> None:
        await receive()
        left = asyncio.create_task(receive())
        await asyncio.sleep(0.01)
        assert not left.done()
        await answering(body=b"done")(scope, lambda: asyncio.sleep(0, {"body": b""}), send)
        assert await left == await receive() == {"type": "http.disconnect"}

    assert LambdaHandler(app, never)(EVENT, None)["statusCode"] == 200


def test_an_error_before_the_answer_is_the_functions() -> None:
    async def app(scope, receive, send) -> None:
        raise ZeroDivisionError("before")

    with pytest.raises(ZeroDivisionError, match="before"):
        LambdaHandler(app, never)(EVENT, None)


def test_an_error_after_the_answer_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope, receive, send) -> None:
        await answering(500, body=b"sorry")(scope, receive, send)
        raise ZeroDivisionError("behind it")

    assert LambdaHandler(app, never)(EVENT, None)["statusCode"] == 500
    assert "behind it" in caplog.text


def test_what_was_said_to_answer_at_once_may_not_wait() -> None:
    async def app(scope, receive, send) -> None:
        await asyncio.sleep(1)

    async def main() -> None:
        with pytest.raises(RuntimeError, match="waited for something"):
            LambdaHandler(app, bool)(EVENT, None)

    asyncio.run(main())


def test_another_kind_of_event_is_refused() -> None:
    with pytest.raises(ValueError, match=r"payload format 2\.0, not '1\.0'"):
        LambdaHandler(answering(), never)({**EVENT, "version": "1.0"}, None)
