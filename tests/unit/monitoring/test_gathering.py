"""What a busy server writes: everything that happened, in few lines."""

import json

from slipway.monitoring.telemetry import metrics
from slipway.monitoring.telemetry.buffering import BufferedTelemetry
from slipway.monitoring.telemetry.requests import RequestEvent

SERVED = {"Slot": "blue", "Version": "3"}


def lines(telemetry: BufferedTelemetry) -> list[dict]:
    return [json.loads(line) for line in telemetry.drain().splitlines()]


def recorded(line: dict, name: str) -> list[list[str]]:
    """The dimension sets that a metric of a line is recorded under."""
    directives = line["_aws"]["CloudWatchMetrics"]
    return [d["Dimensions"][0] for d in directives if any(metric["Name"] == name for metric in d["Metrics"])]


def make() -> BufferedTelemetry:
    return BufferedTelemetry("demo", "big", SERVED, clock=lambda: 12.0)


def test_requests_are_summed_and_their_times_are_kept() -> None:
    telemetry = make()
    for number in range(3):
        with telemetry.request() as event:
            event.model = "big"
            event.count(metrics.PREDICTIONS, 2, Version="3")
            event.count(metrics.QUEUE_TIME, number)
    (line,) = lines(telemetry)
    assert (line["Requests"], line["Predictions"], line["QueueTime"], len(line["Latency"])) == (3, 6, [0, 1, 2], 3)
    assert SERVED.items() <= line.items()
    own = [["Project", "Model", "Slot"], ["Project", "Model", "Version"]]
    assert recorded(line, "Requests") == [["Project", "Model"], *own]
    assert recorded(line, "QueueTime") == [["Project", "Model", "Slot"]]
    assert line["_aws"]["Timestamp"] == 12_000
    assert telemetry.drain() == ""


def test_a_request_counts_in_the_minute_in_which_it_began() -> None:
    now = 59.5
    telemetry = BufferedTelemetry("demo", "big", SERVED, clock=lambda: now)
    with telemetry.request() as event:
        event.model = "big"
        now = 130.0
    with telemetry.request() as event:
        event.model = "big"
    telemetry.observe(metrics.BATCH_SIZE, 1)
    telemetry.note(RequestEvent("big"))  # one that took no time has no beginning of its own
    written = {line["_aws"]["Timestamp"]: line for line in lines(telemetry)}
    assert {at: line["Requests"] for at, line in written.items()} == {59_999: 1, 130_000: 2}
    assert written[130_000]["BatchSize"] == [1]


def test_a_line_has_at_most_a_hundred_values_of_a_metric() -> None:
    telemetry = make()
    for number in range(250):
        telemetry.observe(metrics.BATCH_SIZE, number)
        telemetry.observe(metrics.REJECTED)
    written = lines(telemetry)
    assert [len(line["BatchSize"]) for line in written] == [100, 100, 50]
    assert [value for line in written for value in line["BatchSize"]] == list(range(250))
    assert [line.get("Rejected") for line in written] == [250, None, None]


def test_what_is_of_no_known_model_has_no_slot() -> None:
    telemetry = make()
    with telemetry.request(timed=False) as event:
        event.model = metrics.UNKNOWN_MODEL
    (line,) = lines(telemetry)
    assert "Slot" not in line
    assert recorded(line, "Requests") == [["Project"], ["Project", "Model"]]


def test_errors_are_counted_by_slot_version_and_kind() -> None:
    telemetry = make()
    for _ in range(2):
        try:
            with telemetry.request() as event:
                event.model = "big"
                raise RuntimeError
        except RuntimeError:
            pass
    (line,) = lines(telemetry)
    assert (line["Errors"], line["Faults"], line["Kind"]) == (2, 2, "internal")
    assert ["Project", "Model", "Slot"] in recorded(line, "Faults")


def test_captures_go_along() -> None:
    telemetry = make()
    with telemetry.request() as event:
        event.captures.append('{"capture":{}}')
    assert lines(telemetry)[-1] == {"capture": {}}


def test_values_of_which_each_counts_come_in_lines_of_a_hundred() -> None:
    telemetry = make()
    with telemetry.request() as event:
        event.model = "big"
        for number in range(128):
            event.observe(metrics.VALUES, number, Version="3")
    found = [line["Values"] for line in lines(telemetry) if "Values" in line]
    assert [len(each) for each in found] == [100, 28]
    assert [*found[0], *found[1]] == list(range(128))
