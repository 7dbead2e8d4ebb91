"""A small server of the Lambda Runtime API, and functions that the real awslambdaric runs against it.

API: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_ARN = "arn:aws:lambda:eu-west-1:123456789012:function:bench"


class Function:
    """One function's process and its server of events; one call at a time."""

    def __init__(self, process: subprocess.Popen[bytes], listener: socket.socket, started: float) -> None:
        self.process = process
        self._listener = listener
        self._connection: socket.socket | None = None
        self._buffer = b""
        self._read_request("/invocation/next")
        self.seconds_to_ready = time.perf_counter() - started
        self._number = 0

    def call(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Send the function an event, wait until it asks for the next one, and return the response."""
        self._number += 1
        headers = (
            f"Lambda-Runtime-Aws-Request-Id: {self._number:08x}-0000-4000-8000-000000000000\r\n"
            f"Lambda-Runtime-Deadline-Ms: {int(time.time() * 1000) + 15_000}\r\n"
            f"Lambda-Runtime-Invoked-Function-Arn: {_ARN}\r\n"
        )
        self._send(200, json.dumps(event).encode(), headers)
        answer = self._read_request("/response")
        self._send(202, b"{}")
        self._read_request("/invocation/next")
        result: dict[str, Any] = json.loads(answer)
        return result

    def rss_kilobytes(self) -> int:
        """The resident memory of the process."""
        with Path(f"/proc/{self.process.pid}/status").open(encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        if self._connection is not None:
            self._connection.close()

    def _send(self, status: int, body: bytes, headers: str = "") -> None:
        head = f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        assert self._connection is not None
        self._connection.sendall(head.encode() + body)

    def _read_request(self, wanted: str) -> bytes:
        """The body of the function's next request, which must be for ``wanted``."""
        while b"\r\n\r\n" not in self._buffer:
            self._receive()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        path = lines[0].split(" ")[1]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        if headers.get("expect") == "100-continue" and self._connection is not None:
            self._connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = (
            self._read_chunks() if "transfer-encoding" in headers else self._read(int(headers.get("content-length", 0)))
        )
        if not path.endswith(wanted):
            raise SystemExit(f"the function requested {path}, expected {wanted}: {body.decode()[:2000]}")
        return body

    def _read(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._receive()
        body, self._buffer = self._buffer[:size], self._buffer[size:]
        return body

    def _read_chunks(self) -> bytes:
        chunks = []
        while True:
            while b"\r\n" not in self._buffer:
                self._receive()
            size, _, self._buffer = self._buffer.partition(b"\r\n")
            chunk = self._read(int(size, 16) + 2)[:-2]
            if not chunk:
                return b"".join(chunks)
            chunks.append(chunk)

    def _receive(self) -> None:
        """Receive more bytes, accepting a new connection if the function opens one."""
        if self._connection is None:
            self._connection, _ = self._listener.accept()
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = self._connection.recv(65_536)
        if data:
            self._buffer += data
        elif self.process.poll() is not None:
            raise SystemExit(f"the function ended with {self.process.returncode}")
        else:
            self._connection.close()
            self._connection = None


@contextmanager
def function(handler: str, environment: Mapping[str, str]) -> Iterator[Function]:
    """Start a function and wait until it asks for its first event; its output is dropped."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(60)
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "awslambdaric", handler],
            env={**os.environ, **environment, "AWS_LAMBDA_RUNTIME_API": address},
            stdout=subprocess.DEVNULL,
        )
        try:
            running = Function(process, listener, started)
            yield running
        finally:
            process.terminate()
            process.wait(10)
