"""Failures and behaviour specific to S3 and DynamoDB: lost responses, outages, refused checksums, paging."""

import io
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.exceptions import ReadTimeoutError
from support.packages import make_text_package
from support.registries import ORIGIN, PASSED, Parts

from slipway.aws.table import Backoff, lazy_client
from slipway.errors import PackageError, TooLargeError, UnavailableError
from slipway.models.package import Package
from slipway.models.registry.bucket import S3ObjectStore, s3_client
from slipway.models.registry.table import DynamoVersionTable

NAME = "tiny-sentiment"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
CHECKSUM = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


class Handler:
    """Intercepts a client's calls of one operation, before or after they are sent, within its context."""

    def __init__(self, client: Any, event: str, handler: Callable[..., Any]) -> None:
        self._events, self._event, self._handler = client.meta.events, event, handler

    def __enter__(self) -> None:
        self._events.register_first(self._event, self._handler)

    def __exit__(self, *_: object) -> None:
        self._events.unregister(self._event, self._handler)


class Raw(io.BytesIO):
    """A body as botocore reads it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def answer(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> Callable[..., AWSResponse]:
    """A handler that answers, so that nothing is sent."""
    return lambda request, **_: AWSResponse(request.url, status, HeadersDict(headers or {}), Raw(body))


def refusal(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()


def test_s3_is_given_the_digest_and_refuses_what_does_not_match(aws_parts: Parts, clients: Any):
    sent: list[str] = []
    client = clients[1]()

    def see(request: Any, **_: Any) -> None:
        sent.append(request.headers["x-amz-checksum-sha256"].decode())

    with Handler(client, "before-send.s3.PutObject", see):
        aws_parts.objects.put("models/a/1/empty", io.BytesIO(b""), sha256=EMPTY)
    assert sent == [CHECKSUM]
    with (
        Handler(client, "before-send.s3.PutObject", answer(400, refusal("BadDigest"))),
        pytest.raises(PackageError, match="models/a/1/empty: was altered in transit"),
    ):
        aws_parts.objects.put("models/a/1/empty", io.BytesIO(b""), sha256=EMPTY)


def test_the_checksum_that_s3_keeps_is_checked_again(aws_parts: Parts, clients: Any):
    other = answer(200, b"not empty", {"content-length": "9", "x-amz-checksum-sha256": CHECKSUM})
    with (
        Handler(clients[1](), "before-send.s3.GetObject", other),
        pytest.raises(PackageError, match="models/a/1/empty: was altered in the registry"),
    ):
        list(aws_parts.objects.read("models/a/1/empty"))


@pytest.mark.parametrize("operation", ["GetObject", "PutObject", "ListObjectsV2", "DeleteObjects"])
def test_a_refusal_of_s3_names_the_bucket(aws_parts: Parts, clients: Any, operation: str):
    calls: dict[str, Callable[[], object]] = {
        "GetObject": lambda: list(aws_parts.objects.read("models/a/1/empty")),
        "PutObject": lambda: aws_parts.objects.put("models/a/1/empty", io.BytesIO(b""), sha256=EMPTY),
        "ListObjectsV2": lambda: aws_parts.objects.listing("models/a/"),
        "DeleteObjects": lambda: aws_parts.objects.delete(["models/a/1/empty"]),
    }
    with (
        Handler(clients[1](), f"before-send.s3.{operation}", answer(403, refusal("AccessDenied"))),
        pytest.raises(UnavailableError, match=r"model registry is unavailable: .*AccessDenied.* \(bucket test-"),
    ):
        calls[operation]()


def test_an_object_that_could_not_be_deleted_is_said(aws_parts: Parts, clients: Any):
    body = b"<DeleteResult><Error><Key>k</Key><Code>InternalError</Code><Message>no</Message></Error></DeleteResult>"
    with (
        Handler(clients[1](), "before-send.s3.DeleteObjects", answer(200, body)),
        pytest.raises(UnavailableError, match="k was not deleted: no"),
    ):
        aws_parts.objects.delete(["k"])


def test_more_objects_than_one_call_takes_are_deleted(aws_parts: Parts):
    aws_parts.objects.put("models/a/1/last", io.BytesIO(b""), sha256=EMPTY)
    aws_parts.objects.delete([*(f"models/a/1/{number}" for number in range(1000)), "models/a/1/last"])
    assert aws_parts.stored() == []


def test_a_record_whose_answer_was_lost_is_written_once(aws_parts: Parts, clients: Any, text_package: Package):
    lost = [True]

    def lose(parsed: Any, model: Any, **_: Any) -> None:
        if lost and "version#" in last[0]:
            lost.clear()
            raise ReadTimeoutError(endpoint_url="")

    last = [""]

    def see(params: Any, **_: Any) -> None:
        last[0] = params["body"].decode() if isinstance(params["body"], bytes) else params["body"]

    client = clients[0]()
    with Handler(client, "before-call.dynamodb.PutItem", see), Handler(client, "after-call.dynamodb.PutItem", lose):
        record = aws_parts.registry.register(text_package, PASSED, ORIGIN)
    assert not lost
    assert aws_parts.registry.versions(NAME) == [record]


def test_all_pages_of_versions_are_read(aws_parts: Parts, clients: Any, text_package: Package):
    for _ in range(5):
        aws_parts.registry.register(text_package, PASSED, ORIGIN)

    def two_at_a_time(params: dict[str, Any], **_: Any) -> None:
        params["body"] = json.dumps({**json.loads(params["body"]), "Limit": 2}).encode()

    with Handler(clients[0](), "before-call.dynamodb.Query", two_at_a_time):
        assert [record.number for record in aws_parts.registry.versions(NAME)] == [1, 2, 3, 4, 5]


def test_an_item_that_slipway_did_not_write_is_named(aws_parts: Parts, clients: Any):
    table = aws_parts.table.name
    item = {"pk": {"S": f"model#{NAME}"}, "sk": {"S": "version#00000001"}, "record": {"S": "{}"}}
    clients[0]().put_item(TableName=table, Item=item)
    with pytest.raises(UnavailableError, match="model#tiny-sentiment / version#00000001 was not written by Slipway"):
        aws_parts.registry.versions(NAME)


def test_nothing_that_answers_is_unavailable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        options = {"endpoint_url": f"http://127.0.0.1:{taken.getsockname()[1]}", "region_name": "eu-west-1"}
        table = DynamoVersionTable("t", client=lazy_client(**options), backoff=Backoff(attempts=1))
        with pytest.raises(UnavailableError, match="model registry"):
            table.versions(NAME)
        with pytest.raises(UnavailableError, match="model registry"):
            S3ObjectStore("bucket", client=s3_client(**options)).listing("models/")


def test_a_record_that_no_item_holds_is_refused_and_leaves_nothing(aws_parts: Parts, tmp_path: Path):
    training = {"command": "make", "parameters": {"notes": "x" * 360_000}}
    package = make_text_package(tmp_path / "1", training=training)
    with pytest.raises(TooLargeError, match="shorten `training`"):
        aws_parts.registry.register(package, PASSED, ORIGIN)
    assert (aws_parts.registry.versions(NAME), aws_parts.stored()) == ([], [])
