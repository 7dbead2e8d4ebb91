"""The image's health check, against a server and against none."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from container.health import is_alive


@contextmanager
def server(status: int) -> Iterator[int]:
    """A server that answers each route with ``status``; gives its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/v2/health/live" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on the tests' error output."""

    with HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield listening.server_port
        listening.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "alive"), [(200, True), (503, False), (404, False)])
def test_only_a_service_that_says_so_is_alive(status: int, alive: bool) -> None:
    with server(status) as port:
        assert is_alive(port) is alive


def test_a_port_that_nothing_listens_on_is_not_alive() -> None:
    with server(200) as port:
        pass
    assert not is_alive(port)
