"""What a device did is sent home through the API, and sending it twice changes nothing."""

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from support.serving import CONFIG, Api, fields, refused

from slipway.config import parse_config
from slipway.config.api import DEVICE_HEADER
from slipway.edge.device.model import DeviceModel
from slipway.edge.outbox import Entry, Kept, Outbox
from slipway.edge.sending import HomeAnswer, Sent, send
from slipway.errors import UnavailableError
from slipway.models.embedded import Model
from slipway.monitoring.feedback.prediction_ids import new_random, parse_prediction_id

PATH = "/v1/models/tiny-sentiment/versions/2/predict"


class Home:
    """The API as a `Post`; it does not answer once ``failing`` has come down to 0."""

    def __init__(self, client: TestClient, failing: int = -1) -> None:
        self.client = client
        self.failing = failing

    def __call__(self, path: str, headers: Mapping[str, str], document: object) -> HomeAnswer:
        if self.failing == 0:
            raise UnavailableError("the API", "the line is down")
        self.failing -= 1
        answer = self.client.post(path, json=document, headers=dict(headers))
        return HomeAnswer(answer.status_code, answer.json())


@pytest.fixture
def captured(api: Api) -> Api:
    own = "tiny-sentiment: {versions: [1, 2], stable: 1"
    return replace(api, config=parse_config(CONFIG.replace(own, f"{own}, capture: {{sample: 1}}")))


@pytest.fixture
def device(api: Api, tmp_path: Path) -> DeviceModel:
    predictor = api.models[("tiny-sentiment", 2)]
    return DeviceModel(Model(predictor), Outbox(tmp_path))


def _captures(api: Api) -> list[dict[str, Any]]:
    return [line["capture"] for line in api.lines() if "capture" in line]


def test_predictions_and_feedback_of_a_device_arrive(captured: Api, device: DeviceModel, tmp_path: Path) -> None:
    outputs = device.predict([{"text": "good"}, {"text": "awful"}])
    assert device.give_feedback(outputs[1]["id"], label="negative")
    assert send(Outbox(tmp_path), Home(captured.client())) == Sent(predictions=2, feedback=1)
    captures = _captures(captured)
    assert [each["inputs"] for each in captures] == [{"text": "good"}, {"text": "awful"}]
    assert [each["outputs"]["label"] for each in captures] == [each["label"] for each in outputs]
    made_at = [int(parse_prediction_id(each["id"]).made_at.timestamp()) for each in outputs]
    assert [each["time"] for each in captures] == [second * 1000 for second in made_at]
    said = {"prediction_id": captures[1]["id"], "label": "negative"}
    assert captured.client().post("/v1/feedback", json=said).json()["status"] == "already stored"
    assert list(Outbox(tmp_path).waiting()) == []


def test_what_is_sent_twice_has_the_same_ids(captured: Api, device: DeviceModel, tmp_path: Path) -> None:
    device.predict([{"text": "good"}, {"text": "bad"}])
    entries = (tmp_path / "entries.jsonl").read_bytes()
    home = Home(captured.client())
    send(Outbox(tmp_path), home)
    (tmp_path / "entries.jsonl").write_bytes(entries)
    send(Outbox(tmp_path), home)
    ids = [each["id"] for each in _captures(captured)]
    assert len(ids) == 4
    assert ids[:2] == ids[2:]
    assert len(set(ids)) == 2


def test_what_was_not_sent_waits_for_the_next_time(captured: Api, device: DeviceModel, tmp_path: Path) -> None:
    for number in range(5):
        device.predict([{"text": f"good {number}"}])
    with pytest.raises(UnavailableError, match="the line is down"):
        send(Outbox(tmp_path), Home(captured.client(), failing=2), batch=2)
    assert len(list(Outbox(tmp_path).waiting())) == 1
    assert send(Outbox(tmp_path), Home(captured.client())) == Sent(predictions=1)
    assert len(_captures(captured)) == 5


def test_a_record_that_is_refused_does_not_take_the_others_with_it(
    captured: Api, device: DeviceModel, tmp_path: Path
) -> None:
    device.predict([{"text": "good"}])
    old = Kept(model="tiny-sentiment", version=2, random=f"{1:024x}", record={"text": "good"})
    Outbox(tmp_path).add(Entry(prediction=old))
    device.predict([{"text": "bad"}])
    sent = send(Outbox(tmp_path), Home(captured.client()))
    assert sent.predictions == 2
    assert [reason.partition(":")[0] for reason in sent.refused] == [old.id]
    assert list(Outbox(tmp_path).waiting()) == []


@pytest.mark.parametrize(
    ("status", "document"), [(503, {"title": "busy"}), (429, None), (401, {"message": "no"}), (404, {"message": "?"})]
)
def test_an_api_that_may_take_it_later_loses_nothing(
    device: DeviceModel, tmp_path: Path, status: int, document: object
) -> None:
    device.predict([{"text": "good"}])
    with pytest.raises(UnavailableError, match=str(status)):
        send(Outbox(tmp_path), lambda *_: HomeAnswer(status, document))
    assert len(list(Outbox(tmp_path).waiting())) == 1


@pytest.mark.parametrize(
    "document", [None, {}, [], "a page", {"predictions": None}, {"predictions": [{}]}, {"predictions": []}]
)
def test_an_answer_without_predictions_loses_nothing(device: DeviceModel, tmp_path: Path, document: object) -> None:
    device.predict([{"text": "good"}])
    with pytest.raises(UnavailableError, match="its answer has"):
        send(Outbox(tmp_path), lambda *_: HomeAnswer(200, document))
    assert len(list(Outbox(tmp_path).waiting())) == 1


@pytest.mark.parametrize("fails", [False, True])
def test_a_device_that_predicts_while_it_sends_does_not_fill_up(
    captured: Api, device: DeviceModel, tmp_path: Path, fails: bool
) -> None:
    for number in range(3):
        device.predict([{"text": f"good {number}"}])
    home = Home(captured.client(), failing=1 if fails else -1)

    def post(path: str, headers: Mapping[str, str], document: object) -> HomeAnswer:
        answer = home(path, headers, document)
        device.predict([{"text": "bad"}])
        return answer

    with nullcontext() if not fails else pytest.raises(UnavailableError):
        send(Outbox(tmp_path), post, batch=2)
    outbox = Outbox(tmp_path)
    assert outbox.bytes_waiting() == (tmp_path / "entries.jsonl").stat().st_size > 0


def test_feedback_without_its_prediction_is_refused(device: DeviceModel, tmp_path: Path) -> None:
    device.give_feedback("tiny-sentiment.2." + "0" * 24, label="negative")
    sent = send(Outbox(tmp_path), lambda *_: HomeAnswer(200, {}))
    assert sent.refused == [f"tiny-sentiment.2.{'0' * 24}: its prediction was not sent"]


def _random(seconds: int) -> str:
    return f"{int(time.time()) + seconds:08x}{'0' * 16}"


WRONG: dict[str, Callable[[], tuple[str, int]]] = {
    "not hexadecimal": lambda: ("not hexadecimal", 1),
    "in the future": lambda: (_random(3600), 1),
    "too old": lambda: (_random(-40 * 24 * 3600), 1),
    "too few": lambda: (_random(0), 2),
    "the same twice": lambda: (f"{_random(0)},{_random(0)}", 2),
}


@pytest.mark.parametrize("case", WRONG)
def test_the_api_refuses_ids_that_no_device_made_for_these_records(api: Api, case: str) -> None:
    header, count = WRONG[case]()
    answer = api.client().post(PATH, json={"inputs": [{"text": "good"}] * count}, headers={DEVICE_HEADER: header})
    assert DEVICE_HEADER in fields(refused(answer, 422))[0]


def test_nobody_can_choose_the_id_of_another_prediction(api: Api) -> None:
    chosen = new_random()
    headers = {DEVICE_HEADER: chosen}
    answer = api.client().post(PATH, json={"inputs": [{"text": "good"}]}, headers=headers).json()
    made = parse_prediction_id(answer["predictions"][0]["id"])
    assert made.random != chosen
    assert made.made_at == parse_prediction_id(f"m.1.{chosen}").made_at
    assert made.bucket is None
