"""An API whose answers are torn is one that cannot be reached."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from slipway.edge.posting import BearerPost
from slipway.errors import UnavailableError


@contextmanager
def _answering(answer: bytes) -> Iterator[str]:
    """The address of a server that reads one request and answers with these bytes."""

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            request = b""
            while not request.endswith(b"\r\n\r\n{}"):
                request += connection.recv(65536)
            connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz",
    ],
)
def test_a_torn_answer_is_no_answer(answer: bytes) -> None:
    with _answering(answer) as url, pytest.raises(UnavailableError, match="the API at"):
        BearerPost(url)("/v1/feedback", {}, {})


@pytest.mark.parametrize("status", [200, 422])
def test_a_whole_answer_has_its_status(status: int) -> None:
    answer = f"HTTP/1.1 {status} Said\r\nContent-Length: 8\r\n\r\n".encode() + b'{"a": 1}'
    with _answering(answer) as url:
        found = BearerPost(url)("/v1/feedback", {}, {})
    assert (found.status, found.document) == (status, {"a": 1})
