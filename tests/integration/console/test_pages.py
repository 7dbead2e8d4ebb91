"""Pages of monitoring, captures, labels, entities and features, over a bucket and tables in moto."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from starlette.testclient import TestClient
from support.calibrated import MODEL
from support.console_forms import hidden, send

from slipway.console.app import create_app
from slipway.console.queries.monitoring import LONGEST, Chosen, watched_of
from slipway.console.settings import ConsoleSettings
from slipway.models.package import Package
from slipway.monitoring.accuracy.labelled_table import DynamoLabelled
from slipway.monitoring.accuracy.state import AccuracyState
from slipway.monitoring.captures.bucket import CaptureBucket
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.state import StateStore, version_state
from slipway.monitoring.steps import Labelled

CAPTURES = f"/models/{MODEL}/captures"
LABEL = f"{CAPTURES}/label"
HOSTILE = "<img src=x onerror=alert(1)>"


def shown(client: TestClient, path: str, **query: Any) -> str:
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    assert "<img" not in answer.text
    return answer.text


def rows(page: str, part: str) -> list[str]:
    body = page.split(f'id="{part}"', 1)[1].split("</section>", 1)[0]
    return re.findall(r"<tr>.*?</tr>", body.partition("<tbody>")[2], re.DOTALL)


def test_monitoring_names_the_column_that_moved_most_and_the_accuracy(client: TestClient) -> None:
    page = shown(client, f"/models/{MODEL}/monitoring")
    assert re.search(r'<strong id="most">(inputs|outputs)\.[a-z.]+</strong> has moved most', page)
    assert "Baseline and window beside each other" in page
    assert "estimated before labels" in page
    assert page.count("data-spec=") >= 3


@pytest.mark.parametrize(
    ("query", "code"), [({"window": "soon"}, 200), ({"version": "9"}, 200), ({"version": "x"}, 422)]
)
def test_what_is_asked_for_wrongly_is_said(client: TestClient, query: dict[str, str], code: int) -> None:
    answer = client.get(f"/models/{MODEL}/monitoring", params=query)
    assert answer.status_code == code
    assert "must be a span" in answer.text or "9" in answer.text or "version" in answer.text


@pytest.mark.parametrize("path", ["monitoring", "captures"])
def test_a_model_that_is_not_captured_says_how_to_begin(client: TestClient, path: str) -> None:
    page = shown(client, f"/models/unwatched/{path}")
    assert "models.unwatched.capture.sample" in page


@pytest.mark.parametrize("path", ["monitoring", "captures", "captures/label", "monitoring/skew"])
def test_a_model_that_there_is_not_is_not_found(client: TestClient, path: str) -> None:
    assert client.get(f"/models/none/{path}").status_code == 404


def acknowledging(page: str, column: str) -> str:
    """The address of the page that asks whether a column as it is now is normal."""
    (found,) = re.findall(rf'href="([^"]*/acknowledge/drift[^"]*columns={re.escape(column)})"', page)
    return unescape(found)


def test_a_column_is_acknowledged_and_taken_back_after_the_page_has_said_what_happens(
    client: TestClient, settings: ConsoleSettings
) -> None:
    here = f"/models/{MODEL}/monitoring"
    page = shown(client, here)
    assert "Go back to the baseline" not in page
    asked = client.get(acknowledging(page, "outputs.label")).text
    assert f"The monitor compares outputs.label of {MODEL} 1 with what came from" in asked
    path, fields = f"{here}/acknowledge/drift", hidden(asked)
    assert client.post(path, data=fields, headers={"origin": settings.address}).status_code == 403
    assert "acknowledged until" not in shown(client, here)
    after = send(client, settings, path, **fields)
    assert after.status_code == 200, after.text
    assert "acknowledged until" in after.text
    assert "columns=outputs.label" not in after.text  # it is what it is compared with now
    back = shown(client, f"{here}/return/drift")
    assert f"compares outputs.label of {MODEL} 1 with its baseline again" in back
    assert send(client, settings, f"{here}/return/drift", columns=hidden(back)["columns"]).status_code == 200
    assert "acknowledged until" not in shown(client, here)
    assert client.get(f"{here}/return/drift").status_code == 409


def test_only_columns_that_have_drifted_or_are_named_are_acknowledged(client: TestClient) -> None:
    here = f"/models/{MODEL}/monitoring/acknowledge/drift"
    assert "has drifted" in client.get(here).text
    assert client.get(here).status_code == 422
    assert client.get(here, params={"columns": "outputs.lable"}).status_code == 422
    assert client.get(here, params={"window": "soon", "columns": "outputs.label"}).status_code == 422
    assert client.get(f"/models/{MODEL}/monitoring/forget/drift").status_code == 422


def test_a_fall_of_accuracy_is_acknowledged_and_taken_back(
    client: TestClient, settings: ConsoleSettings, package: Package, hour: datetime
) -> None:
    here = f"/models/{MODEL}/monitoring"
    assert client.get(f"{here}/acknowledge/accuracy").status_code == 422  # there is no alarm
    assert package.calibration is not None
    fall = AccuracyState(package.calibration.digest, alarmed=hour + timedelta(hours=1)).dump()
    StateStore(CaptureBucket("captures")).write(version_state(MODEL, 1, "accuracy"), {"state": fall})
    client.app.state.console.tiles.forget()  # type: ignore[attr-defined]
    page = shown(client, here)
    assert "Accuracy has fallen" in page
    assert f"{here}/acknowledge/accuracy" in page
    asked = shown(client, f"{here}/acknowledge/accuracy")
    assert "by scores) as normal" in asked
    done = send(client, settings, f"{here}/acknowledge/accuracy", version=hidden(asked)["version"])
    assert "Accuracy has fallen" not in done.text
    assert "Compared with an acknowledged accuracy" in done.text
    assert "with that on its validation records again" in shown(client, f"{here}/return/accuracy")
    back = send(client, settings, f"{here}/return/accuracy", version="1")
    assert "Compared with an acknowledged accuracy" not in back.text


def test_a_read_only_console_acknowledges_nothing(settings: ConsoleSettings, workspace: Any) -> None:
    only = replace(settings, read_only=True)
    here = f"/models/{MODEL}/monitoring"
    with TestClient(create_app(only, workspace), base_url=only.address) as reader:
        assert "/acknowledge/" not in shown(reader, here)
        for of in ("drift", "accuracy"):
            for action in ("acknowledge", "return"):
                assert send(reader, only, f"{here}/{action}/{of}", columns="outputs.label").status_code == 403
        assert "acknowledged until" not in shown(reader, here)


def test_skew_without_a_history_is_said_on_its_tile(client: TestClient) -> None:
    assert "history: true" in shown(client, f"/models/{MODEL}/monitoring/skew")


@pytest.mark.usefixtures("captures")
def test_captures_are_found_by_label_score_version_and_entity(client: TestClient, captures: list[Capture]) -> None:
    assert len(rows(shown(client, CAPTURES), "found")) == len(captures)
    of_user = rows(shown(client, CAPTURES, entity="u1"), "found")
    assert len(of_user) == len(captures) // 2
    high = [each for each in captures if each.outputs["score"] >= 0.9]
    assert len(rows(shown(client, CAPTURES, least="0.9"), "found")) == len(high) > 0
    low = [each for each in captures if each.outputs["score"] <= 0.6]
    assert len(rows(shown(client, CAPTURES, most="0.6", label="positive"), "found")) == len(low) > 0
    assert rows(shown(client, CAPTURES, label="no such label"), "found") == []
    assert rows(shown(client, CAPTURES, version="2"), "found") == []
    assert rows(shown(client, CAPTURES, window="1m"), "found") == []


@pytest.mark.parametrize(
    ("name", "value"), [("least", "much"), ("window", "soon"), ("before", "then"), ("version", "x")]
)
def test_a_search_that_cannot_be_read_is_refused(client: TestClient, name: str, value: str) -> None:
    answer = client.get(CAPTURES, params={name: value})
    assert answer.status_code == 422
    assert name in answer.text


def test_a_capture_is_opened_and_its_text_is_no_html(client: TestClient, captures: list[Capture]) -> None:
    page = shown(client, f"{CAPTURES}/{captures[0].id}")
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "No label and no reward so far" in page
    assert client.get(f"{CAPTURES}/{captures[0].id[:-1]}").status_code in {404, 422}
    assert client.get(f"/models/unwatched/captures/{captures[0].id}").status_code == 404


def test_labels_go_through_feedback_with_the_probability_of_the_draw(
    client: TestClient, settings: ConsoleSettings, workspace: Any, captures: list[Capture]
) -> None:
    page = shown(client, LABEL)
    asked = []
    for _ in range(3):
        asked.append(hidden(page)["id"])
        answer = send(client, settings, LABEL, id=asked[-1], answer="negative")
        assert answer.status_code == 200, answer.text
        page = answer.text
    assert len(set(asked)) == 3
    assert "3 of 40 drawn have an answer" in page
    by_id = {each["prediction_id"]: each for each in workspace.fake.sent}
    assert set(by_id) == set(asked)
    assert all(each["label"] == "negative" and 0 < each["probability"] <= 1 for each in by_id.values())
    of_first = [each["probability"] for each in workspace.fake.sent if each["prediction_id"] == asked[0]]
    assert of_first == sorted(of_first)
    assert of_first[-1] > of_first[0]  # it grows with the number of records that were drawn
    assert "<dd>negative</dd>" in shown(client, f"{CAPTURES}/{asked[0]}")
    page = shown(client, f"/models/{MODEL}/monitoring", window="6h").split('id="accuracy"', 1)[1]
    assert "from 3 labels" in page


def test_an_answer_reads_the_known_labels_once(
    client: TestClient, settings: ConsoleSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = hidden(shown(client, LABEL))["id"]
    reads = []
    labelled = DynamoLabelled.labelled

    def counting(table: DynamoLabelled, *window: Any) -> list[Labelled]:
        reads.append(window)
        return labelled(table, *window)

    monkeypatch.setattr(DynamoLabelled, "labelled", counting)
    client.follow_redirects = False
    assert send(client, settings, LABEL, id=first, answer="negative").status_code == 303
    assert len(reads) == 1


def test_a_skipped_record_is_not_asked_again_and_nothing_is_sent(
    client: TestClient, settings: ConsoleSettings, workspace: Any
) -> None:
    first = hidden(shown(client, LABEL))["id"]
    page = send(client, settings, LABEL, id=first, skip="1").text
    assert hidden(page)["id"] != first
    assert workspace.fake.sent == []


def test_an_answer_to_another_record_is_refused(client: TestClient, settings: ConsoleSettings, workspace: Any) -> None:
    first = hidden(shown(client, LABEL))["id"]
    assert send(client, settings, LABEL, id=first, answer="positive").status_code == 200
    assert send(client, settings, LABEL, id=first, answer="negative").status_code == 409
    assert send(client, settings, LABEL, id=hidden(shown(client, LABEL))["id"], answer="good").status_code == 422
    assert [each["label"] for each in workspace.fake.sent] == ["positive"]


def test_in_the_shadow_the_models_answer_is_hidden_until_the_person_has_answered(
    client: TestClient, settings: ConsoleSettings, workspace: Any, captures: list[Capture]
) -> None:
    page = shown(client, LABEL, shadow="1")
    identifier = hidden(page)["id"]
    (capture,) = [each for each in captures if each.id == identifier]
    score = f"{capture.outputs['score']:.3f}"
    assert "model-answer" not in page
    assert score not in page
    page = send(client, settings, LABEL, id=identifier, answer="negative", shadow="1").text
    last = page.split('id="last"', 1)[1]
    assert f"<dd>positive ({score})</dd>" in last
    assert "you agree with the model, of 1" in page
    assert workspace.fake.sent == []
    assert identifier in (workspace.root / f"human-{MODEL}-1.jsonl").read_text(encoding="utf-8")


def queue_ids(client: TestClient, settings: ConsoleSettings) -> list[str]:
    """The records that a queue asks about, each of which is skipped."""
    found: list[str] = []
    while '<input type="hidden" name="id"' in (page := shown(client, LABEL)):
        found.append(hidden(page)["id"])
        send(client, settings, LABEL, id=found[-1], skip="1")
    return found


def test_the_life_of_an_entity_is_shown_and_forgotten(
    client: TestClient, settings: ConsoleSettings, captures: list[Capture]
) -> None:
    page = shown(client, "/entities", entity="user", id="u0")
    assert len(rows(page, "life")) >= len(captures) // 2
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    theirs = {each.id for each in captures if each.entities["user"] == "u0"}
    assert theirs & set(queue_ids(client, settings))
    while (first := hidden(shown(client, LABEL, shadow="1"))["id"]) not in theirs:
        send(client, settings, LABEL, id=first, skip="1", shadow="1")
    assert 'id="last"' in send(client, settings, LABEL, id=first, answer="negative", shadow="1").text
    asked = shown(client, "/entities/forget", entity="user", id="u0")
    assert "This cannot be undone" in asked
    assert "20 predictions" in asked
    assert "Not reached:" in asked
    done = send(client, settings, "/entities/forget", entity="user", id="u0")
    assert done.status_code == 200, done.text
    assert "Erased" in done.text
    assert "No captured prediction of user u0" in shown(client, "/entities", entity="user", id="u0")
    assert rows(shown(client, CAPTURES, entity="u0"), "found") == []
    assert 'id="last"' not in shown(client, LABEL, shadow="1")
    left = queue_ids(client, settings)
    assert left
    assert not theirs & set(left)
    assert len(rows(shown(client, CAPTURES, entity="u1"), "found")) == len(captures) // 2


def test_nothing_is_changed_without_the_token_or_in_read_only_mode(
    client: TestClient, settings: ConsoleSettings, workspace: Any
) -> None:
    first = hidden(shown(client, LABEL))["id"]
    for path, fields in (
        (LABEL, {"id": first, "answer": "positive"}),
        ("/entities/forget", {"entity": "user", "id": "u0"}),
    ):
        assert client.post(path, data=fields, headers={"origin": settings.address}).status_code == 403
        only = replace(settings, read_only=True)
        with TestClient(create_app(only, workspace), base_url=only.address) as reader:
            assert send(reader, only, path, **fields).status_code == 403
            assert '<form method="post"' not in reader.get(LABEL).text
    assert workspace.fake.sent == []
    assert "No captured prediction" not in shown(client, "/entities", entity="user", id="u0")


def test_features_have_definitions_and_values_with_their_age(client: TestClient) -> None:
    page = shown(client, "/features", entity="user", id="u1")
    assert "in years" in page
    assert "<td>age</td><td>7</td>" in page
    assert "nearly expired" in page


def test_an_entity_that_there_is_not_is_said_on_its_tile(client: TestClient) -> None:
    assert "patient" in shown(client, "/entities", entity="patient", id="p1")
    assert client.get("/entities/forget", params={"entity": "patient", "id": "p1"}).status_code == 404


def test_a_window_of_the_future_or_of_a_century_is_shortened(workspace: Any) -> None:
    watched = watched_of(workspace, Chosen(MODEL, window="2000-01-01/2100-01-01"))
    assert watched.until <= workspace.clock()
    assert watched.until - watched.since == LONGEST
    watched = watched_of(workspace, Chosen(MODEL, window="2100-01-01/2100-01-02"))
    assert watched.since == watched.until


def test_the_release_that_starts_is_the_one_whose_plan_was_shown(
    client: TestClient, settings: ConsoleSettings, workspace: Any
) -> None:
    file, release = workspace.config_file, "/models/unwatched/release"
    text = file.read_text(encoding="utf-8").replace("unwatched: {versions: [1]", "unwatched: {versions: [1, 2]")
    file.write_text(text, encoding="utf-8")
    fields = {"candidate": "2", "strategy": "canary"}
    assert send(client, settings, f"{release}/start", **fields).status_code == 422
    plan = hidden(shown(client, f"{release}/plan", **fields))["plan"]
    assert hidden(shown(client, f"{release}/plan", **fields))["plan"] == plan
    longer = "versions: [1, 2], release: {judge: {deadline_minutes: 77}}"
    file.write_text(text.replace("versions: [1, 2]", longer), encoding="utf-8")
    refused = send(client, settings, f"{release}/start", **fields, plan=plan)
    assert refused.status_code == 409
    assert "plan again" in refused.text
    assert workspace.store().current(["unwatched"]) == []
    plan = hidden(shown(client, f"{release}/plan", **fields))["plan"]
    assert send(client, settings, f"{release}/start", **fields, plan=plan).status_code == 200
    (record,) = workspace.store().current(["unwatched"])
    assert (record.candidates, record.judge.deadline_minutes) == ((2,), 77)
