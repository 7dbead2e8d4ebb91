import json
from collections.abc import Callable
from contextlib import suppress

import pytest

from slipway.errors import ConflictError, InputError, PredictionError, TooLargeError, UnavailableError
from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.instrumentation import single_metric_line
from slipway.monitoring.telemetry.metrics import CATALOGUE, Kind, metric_line
from slipway.monitoring.telemetry.requests import Telemetry, error_kind

UNITS = {"Count", "Milliseconds", "None", "Percent"}


def directives(line: dict) -> dict[tuple[str, ...], list[str]]:
    """Dimension set -> metrics, as CloudWatch extracts them."""
    return {
        tuple(directive["Dimensions"][0]): [metric["Name"] for metric in directive["Metrics"]]
        for directive in line["_aws"]["CloudWatchMetrics"]
    }


def test_a_line_records_under_every_set_of_dimensions() -> None:
    line = json.loads(metric_line({"Requests": 1, "Latency": 2.5}, {"Project": "p", "Model": "m"}, 1234))
    assert line["_aws"]["Timestamp"] == 1234
    assert directives(line) == {("Project",): ["Requests", "Latency"], ("Project", "Model"): ["Requests", "Latency"]}
    assert (line["Requests"], line["Latency"], line["Project"], line["Model"]) == (1, 2.5, "p", "m")


def test_a_single_metric_has_the_dimensions_that_it_is_given_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "p-controller")
    dimensions = {"Project": "p", "Model": "m", "Version": "1"}
    assert json.loads(single_metric_line("Share", 12.5, dimensions, 1234)) == json.loads(
        metric_line({"Share": 12.5}, dimensions, 1234)
    )


def test_a_set_that_cannot_be_filled_is_left_out() -> None:
    line = json.loads(metric_line({"Errors": 1, "Faults": 1}, {"Project": "p"}, 0))
    assert directives(line) == {("Project",): ["Errors", "Faults"]}


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_catalogue_is_valid_emf(name: str) -> None:
    metric = CATALOGUE[name]
    assert metric.unit in UNITS
    assert all(dimensions[0] == metrics.PROJECT and len(dimensions) <= 30 for dimensions in metric.dimension_sets)
    every = {dimension: "x" for dimensions in metric.dimension_sets for dimension in dimensions}
    line = json.loads(metric_line({name: 1}, every, 0))
    for directive in line["_aws"]["CloudWatchMetrics"]:
        assert directive["Namespace"] == "Slipway"
        assert all(member in line for member in [*directive["Dimensions"][0], name])


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InputError.of("a", "b"), Kind.INPUT),
        (TooLargeError.of("a", "b"), Kind.TOO_LARGE),
        (ConflictError("a"), Kind.CONFLICT),
        (UnavailableError("a", "b"), Kind.UNAVAILABLE),
        (PredictionError("a"), Kind.MODEL),
        (KeyError("a"), Kind.INTERNAL),
    ],
)
def test_kinds(error: Exception, kind: Kind) -> None:
    assert error_kind(error) is kind


def telemetry(clock: Callable[[], float] = lambda: 1.5) -> tuple[Telemetry, list[str]]:
    written: list[str] = []
    return Telemetry("p", "predict", write=written.append, clock=clock), written


def lines(written: list[str]) -> list[dict]:
    return [json.loads(line) for text in written for line in text.splitlines()]


def test_a_fault_is_counted_for_the_version_of_the_code_that_made_it() -> None:
    written: list[str] = []
    recorder = Telemetry("p", "predict", code_version="7", write=written.append)
    for error in (UnavailableError("a", "b"), ConflictError("a")):
        with suppress(UnavailableError, ConflictError), recorder.request() as event:
            event.model = "m"
            raise error
    with recorder.request():
        pass
    fault, _, refused, fine = lines(written)
    assert directives(fault)["Project", "Function", "ExecutedVersion"] == ["Faults"]
    assert (fault["Function"], fault["ExecutedVersion"], fault["Faults"]) == ("predict", "7", 1)
    assert directives(fault)["Project",] == ["Requests", "Latency", "Errors", "Faults"]
    assert not [line for line in (refused, fine) if "ExecutedVersion" in line]


def test_one_version_shares_the_line_of_the_request() -> None:
    recorder, written = telemetry()
    with recorder.request() as event:
        event.model = "m"
        event.count("Predictions", 2, Version="1")
        event.count("Predictions", 1, Version="1")
    request, _ = lines(written)
    assert request["_aws"]["Timestamp"] == 1500
    assert (request["Requests"], request["Predictions"], request["Version"]) == (1, 3, "1")
    assert directives(request)["Project", "Model", "Version"] == ["Predictions"]


def test_a_request_belongs_to_the_minute_it_began_in() -> None:
    now = [59.9]
    recorder, written = telemetry(lambda: now[0])
    with recorder.request() as event:
        event.model = "m"
        event.count("Predictions", 2, Version="1")
        event.count("Predictions", 1, Version="2")
        now[0] = 60.2
    assert {line["_aws"]["Timestamp"] for line in lines(written)} == {59_900}


def test_two_versions_have_lines_of_their_own() -> None:
    recorder, written = telemetry()
    with recorder.request() as event:
        event.model = "m"
        event.count("Predictions", 2, Version="1")
        event.count("Predictions", 1, Version="2")
    request, first, second, _ = lines(written)
    assert "Version" not in request
    assert [(line["Version"], line["Predictions"], line["Model"]) for line in (first, second)] == [
        ("1", 2, "m"),
        ("2", 1, "m"),
    ]


def test_an_error_is_counted_and_goes_on() -> None:
    recorder, written = telemetry()

    def fail() -> None:
        with recorder.request() as event:
            event.model = "m"
            event.count("Predictions", 2, Version="1")
            raise UnavailableError("store", "down")

    with pytest.raises(UnavailableError):
        fail()
    request, version, _ = lines(written)
    assert (request["Errors"], request["Faults"], request["Kind"]) == (1, 1, "unavailable")
    assert directives(request)["Project", "Model", "Kind"] == ["Errors"]
    assert version["Predictions"] == 2


def test_a_mistake_of_the_caller_is_no_fault() -> None:
    recorder, written = telemetry()
    with pytest.raises(InputError), recorder.request():
        raise InputError.of("a", "b")
    assert "Faults" not in lines(written)[0]


def test_the_cold_start_is_counted_once_and_everything_is_one_write() -> None:
    recorder, written = telemetry()
    for _ in range(3):
        with recorder.request() as event:
            event.captures.append('{"capture":{}}')
    assert len(written) == 3
    assert [line["ColdStarts"] for line in lines(written) if "ColdStarts" in line] == [1]


def test_untimed_requests_have_no_latency() -> None:
    recorder, written = telemetry()
    with recorder.request(timed=False):
        pass
    assert "Latency" not in lines(written)[0]
