import socket
import threading
import time
from collections.abc import Iterator

import pytest

from local.emulator.balancing import health
from local.emulator.balancing.health import Answer, Check, is_healthy, probe


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Accepts connections, and says nothing on its own."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def check_of(listener: socket.socket) -> Check:
    return Check("127.0.0.1", listener.getsockname()[1], "/ready", "200")


def answer_all(listener: socket.socket) -> None:
    """Answer every connection, those that wait included, until the listener is closed."""
    try:
        while True:
            connection, _ = listener.accept()
            with connection:
                if connection.recv(4096):
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    except OSError:
        return


def test_a_target_that_hangs_is_told_from_one_that_refuses(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_TIMEOUT_SECONDS", 0.1)

    assert probe(check_of(listener)) is Answer.HUNG
    listener.close()
    assert probe(Check("127.0.0.1", 9, "/ready", "200")) is Answer.UNHEALTHY


def test_requests_wait_once_for_a_target_that_hangs_and_use_it_again_when_it_answers(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_TIMEOUT_SECONDS", 1.0)
    check, probes = check_of(listener), []

    def counted(asked: Check) -> Answer:
        probes.append(threading.current_thread().name)
        return probe(asked)

    monkeypatch.setattr(health, "probe", counted)
    requests = [threading.Thread(target=is_healthy, args=(check,), name="request") for _ in range(8)]
    for request in requests:
        request.start()
    for request in requests:
        request.join()
    assert not is_healthy(check)
    assert probes.count("request") == 1

    answering = threading.Thread(target=answer_all, args=(listener,))
    answering.start()
    deadline = time.monotonic() + 60
    while not is_healthy(check):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    listener.shutdown(socket.SHUT_RDWR)
    answering.join()
