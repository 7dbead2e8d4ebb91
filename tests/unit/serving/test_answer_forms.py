"""Versions of one model that answer in different forms while a sticky release shares the records between them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.features import MemoryFeatureStore
from fakes.releases import MemoryReleaseStore
from starlette.testclient import TestClient
from support.heavy.slots import CONFIG, MODEL, Slots, start
from support.releases.records import make_release
from support.serving import Api
from support.several import LABELS, TARGETS, make_labels_package, make_values_package

from slipway.config import parse_config
from slipway.config.releases.options import AbTest
from slipway.features.definitions import FeatureDefinitions
from slipway.models.answer_forms import OWN_TASK, AnswerForm, shown_form
from slipway.models.bundle import load_models
from slipway.models.manifest import Form
from slipway.monitoring.feedback.prediction_ids import parse_prediction_id
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import Phase
from slipway.releases.routing.assignment import assign
from slipway.serving.prediction.live_releases import LiveReleases

INFER = f"/v2/models/{MODEL}/infer"
FORMS = {1: {"labels", "scores", "prediction_id"}, 2: {"values", "prediction_id"}}
LIGHT = parse_config(CONFIG.replace("tier: heavy, ", "").replace("models:", "project: demo\nmodels:"))


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Version 1 answers with labels, and version 2 with values."""
    root: Path = tmp_path_factory.mktemp("forms")
    make_labels_package(root / "models/price/1", name=MODEL)
    make_values_package(root / "models/price/2", name=MODEL, version=2)
    return load_models(LIGHT, root)


def released(store: MemoryReleaseStore, tier: str) -> ReleaseRecord:
    record = store.start(make_release(MODEL, tier=tier, options=AbTest(sticky="a")))
    return store.save(record.model_copy(update={"phase": Phase.RUNNING, "shares": (0.5,)}))


@pytest.fixture
def slots(loaded: Any) -> Iterator[Slots]:
    store = MemoryReleaseStore()
    made = Slots({}, store, released(store, "heavy"))
    for version in (1, 2):
        made.by_version[version] = start(made, version, loaded[MODEL, version], store)
    yield made
    for slot in made.by_version.values():
        slot.client.__exit__(None, None, None)


@pytest.fixture(params=["light", "slot 1", "slot 2"])
def serving(request: pytest.FixtureRequest, loaded: Any) -> tuple[TestClient, int]:
    """A client of the light tier or of either slot, and the version that is the stable one there."""
    if request.param == "light":
        store = MemoryReleaseStore()
        released(store, "light")
        api = Api(LIGHT, loaded, MemoryFeatureStore(FeatureDefinitions({})))
        return api.client(releases=LiveReleases(LIGHT, store)), 1
    version = int(request.param[-1])
    slots: Slots = request.getfixturevalue("slots")
    return slots.by_version[version].client, version


@pytest.fixture(scope="module")
def of_version() -> dict[int, list[float]]:
    """Values of the sticky field by the version that they are assigned to."""
    record = released(MemoryReleaseStore(), "light")
    found: dict[int, list[float]] = {1: [], 2: []}
    for value in range(1, 40):
        found[assign(record.serving, str(float(value)))].append(float(value))
    return found


def infer(client: TestClient, *values: float, wanted: tuple[str, ...] = ()) -> dict[str, Any]:
    tensors = [
        {"name": name, "shape": [len(values)], "datatype": "FP64", "data": data}
        for name, data in (("a", list(values)), ("b", [1.0] * len(values)))
    ]
    answer = client.post(INFER, json={"inputs": tensors, "outputs": [{"name": name} for name in wanted]})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def names(answer: dict[str, Any]) -> set[str]:
    return {output["name"] for output in answer["outputs"]}


def ids(answer: dict[str, Any]) -> list[str]:
    (found,) = (output["data"] for output in answer["outputs"] if output["name"] == "prediction_id")
    return list(found)


@pytest.mark.parametrize("version", [1, 2])
def test_a_request_of_one_version_has_the_tensors_of_that_version(serving, of_version, version: int) -> None:
    client, _ = serving
    values = of_version[version][:2]
    answer = infer(client, *values)
    assert answer["model_version"] == str(version)
    assert names(answer) == FORMS[version]
    if version == 2:
        (tensor,) = (output for output in answer["outputs"] if output["name"] == "values")
        assert tensor["data"] == [number for a in values for number in (2 * a, 1 - a)]


def test_a_request_of_both_versions_is_answered_whole_by_the_stable_one(serving, of_version) -> None:
    client, stable = serving
    answer = infer(client, *of_version[1][:2], *of_version[2][:2])
    assert answer["model_version"] == str(stable)
    assert names(answer) == FORMS[stable]
    assert {parse_prediction_id(id_).version for id_ in ids(answer)} == {stable}
    assert len(set(ids(answer))) == 4


def test_an_output_that_the_assigned_version_lacks_is_answered_by_the_stable_one(serving, of_version) -> None:
    client, stable = serving
    (own,) = FORMS[stable] & {"labels", "values"}
    answer = infer(client, of_version[3 - stable][0], wanted=(own,))
    assert (answer["model_version"], names(answer)) == (str(stable), {own})


def test_what_another_version_answered_is_captured_and_its_id_is_in_no_capture_twice(slots: Slots, of_version) -> None:
    answer = infer(slots.by_version[1].client, of_version[1][0], of_version[2][0])
    own = slots.by_version[1].metrics()
    assert all(own.count(id_) == 1 for id_ in ids(answer))


def test_csv_has_the_cells_of_the_version_that_answered(slots: Slots, of_version) -> None:
    value = of_version[2][0]
    answer = slots.by_version[1].client.post(
        "/invocations", content=f"{value},1\n".encode(), headers={"content-type": "text/csv"}
    )
    assert (answer.status_code, answer.text) == (200, f"{2 * value},{1 - value}\n")


@pytest.mark.parametrize(
    ("output", "form"),
    [
        ({"label": "a", "score": 0.7, "scores": {"a": 0.7, "b": 0.3}}, AnswerForm(Form.LABEL, ("a", "b"))),
        ({"labels": [], "scores": dict.fromkeys(LABELS, 0.1)}, AnswerForm(Form.LABELS, LABELS)),
        ({"value": 1.5}, AnswerForm(Form.VALUE)),
        ({"values": dict.fromkeys(TARGETS, 1.0)}, AnswerForm(Form.VALUES, TARGETS)),
        ({"values": [1.0, 2.0]}, OWN_TASK),
        ({"label": "a"}, OWN_TASK),
        ({"intent": "buy"}, OWN_TASK),
        ({}, OWN_TASK),
    ],
)
def test_the_form_that_an_answer_shows(output: dict[str, Any], form: AnswerForm) -> None:
    assert shown_form(output) == form
