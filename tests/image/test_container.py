"""What a container of the image does: read-only root, no privileges, no AWS to speak to."""

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

import httpx
from image.running import Image, Service

TEXT = "Finally Friday, and the sun is out!"
STOP_SECONDS = 30


def predict(service: Service, texts: list[str]) -> httpx.Response:
    path = f"/v1/models/{service.environment['SLIPWAY_MODEL']}/predict"
    return service.client.post(path, json={"inputs": [{"text": text} for text in texts]})


def test_it_answers_predictions(service: Service) -> None:
    answer = predict(service, [TEXT, "The worst day of my life."])
    assert answer.status_code == httpx.codes.OK, answer.text
    first, second = answer.json()["predictions"]
    assert (first["label"], second["label"]) == ("positive", "negative")
    assert str(first["version"]) == service.environment["SLIPWAY_VERSION"]


def test_it_runs_without_privileges(service: Service, image: Image) -> None:
    status = Path(f"/proc/{service.pid}/status").read_text(encoding="ascii")
    fields = {name: value.split() for name, _, value in (line.partition(":") for line in status.splitlines())}
    user, _, group = image.config["User"].partition(":")
    assert set(fields["Uid"]) == {user}
    assert set(fields["Gid"]) == {group}
    assert int(fields["CapEff"][0], 16) == 0


def test_its_root_is_read_only_but_for_tmp(image: Image) -> None:
    def touch(path: str) -> str:
        return image.run("/bin/sh", "-c", f"echo written > {path} && cat {path}").stdout

    assert touch("/tmp/file") == "written\n"  # noqa: S108 - inside the container
    assert "Read-only file system" in touch("/app/file")


def test_its_health_check_follows_the_service(service: Service, image: Image) -> None:
    kind, *command = image.config["Healthcheck"]["Test"]
    assert kind == "CMD"
    assert image.run(*command, environment=service.environment).returncode == 0
    service.kill()
    assert image.run(*command, environment=service.environment).returncode == 1


def test_asked_to_stop_it_answers_what_it_has_taken_and_ends_with_0(service: Service) -> None:
    clients, records = 8, 4  # together fewer than the shortest queue holds, since a full one refuses
    with ThreadPoolExecutor(clients) as pool:
        pending = [pool.submit(predict, service, [TEXT] * records) for _ in range(clients)]
        wait(pending, return_when=FIRST_COMPLETED)
        service.terminate()
        answers = [answer.result() for answer in pending]
    assert [answer.status_code for answer in answers] == [httpx.codes.OK] * clients
    assert service.process.wait(timeout=STOP_SECONDS) == 0, service.written()
