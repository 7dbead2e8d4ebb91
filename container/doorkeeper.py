"""Answers on the server's port while the version is fetched, loaded and tuned: alive, and not ready."""

import json
import socket
import socketserver
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from slipway.serving.http.errors import RETRY_AFTER_SECONDS

LIVE = "/v2/health/live"


class Doorkeeper:
    """Listens from the first second, then hands its socket over, so that no connection is refused in between.

    Raises:
        OSError: the address is taken.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = _Server((host, port), _Handler)
        Thread(target=self._server.serve_forever, name="doorkeeper", daemon=True).start()

    def hand_over(self) -> socket.socket:
        """Stop answering, and return the listening socket; new connections wait in its queue."""
        self._server.shutdown()
        return self._server.socket

    def close(self) -> None:
        """Stop answering, and close the socket."""
        self.hand_over().close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        """Bind without looking the host's name up, which may take seconds."""
        socketserver.TCPServer.server_bind(self)


class _Handler(BaseHTTPRequestHandler):
    """Closes each connection after its answer, because the server that follows does not know it."""

    timeout = 5

    def do_GET(self) -> None:
        if self.path == LIVE:
            self._answer(HTTPStatus.OK, {"live": True})
        else:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, {"ready": False, "error": "the model is being loaded"})

    do_POST = do_GET  # noqa: N815 - the name that http.server looks for

    def _answer(self, status: HTTPStatus, answer: dict[str, object]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            self.send_header("retry-after", str(RETRY_AFTER_SECONDS))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing, as the server does."""
