"""What people are told of a finding names what it is about, and the command that shows more."""

from slipway.monitoring.notices import notice
from slipway.monitoring.steps import Event

DRIFT = {
    "model": "flight-delay",
    "version": 2,
    "window": {"start": "2013-12-01T00:00:00+00:00", "end": "2013-12-02T00:00:00+00:00", "records": 1800},
    "columns": [
        {
            "column": "inputs.temperature",
            "effect": 0.2134,
            "psi": 0.4,
            "records": 1800,
            "moved": [{"cell": "below", "expected": 0.0, "found": 0.1234}],
        }
    ],
    "drifted": ["inputs.temperature"],
}
ACCURACY = {
    "model": "flight-delay",
    "version": 2,
    "period": "2013-12-06T10:00:00+00:00",
    "reference": 0.8,
    "found": 0.61,
    "max_drop": 0.05,
    "false_alarms": 0.01,
    "by": "feedback",
    "log_evidence": 9.1,
    "estimated": 0.79,
    "labelled": None,
}


def test_drift_names_columns_effects_and_what_moved():
    found = notice("demo", Event("drift", DRIFT))
    assert found.subject == "flight-delay 2 has drifted"
    assert "demo: flight-delay 2 has drifted." in found.text
    assert "- inputs.temperature: Jensen-Shannon distance 0.213; below 0.0 % -> 12.3 %" in found.text
    assert "`slipway monitor drift flight-delay --version 2` shows more." in found.text


def test_accuracy_says_what_was_found_and_how_sure_that_is():
    found = notice("demo", Event("accuracy", ACCURACY))
    assert found.subject == "flight-delay 2 is less accurate than it was"
    assert "61.0 % where 80.0 % was measured at sealing" in found.text
    assert "found by feedback, with a chance of 1 % to say so for no reason" in found.text


def test_accuracy_below_what_was_acknowledged_says_so():
    found = notice("demo", Event("accuracy", {**ACCURACY, "acknowledged": True}))
    assert "61.0 % where 80.0 % was acknowledged" in found.text


def test_skew_names_what_differs():
    features = {"wind_speed": 2, "wind_gust": 1}
    detail = {"model": "flight-delay", "version": 2, "rows": 200, "differing": 3, "features": features}
    found = notice("demo", Event("skew", detail))
    assert found.subject == "flight-delay 2 is served other features than its history has"
    assert "- 3 of 200 rows that were compared differ: wind_speed (2), wind_gust (1)" in found.text
    assert "`slipway monitor skew flight-delay` shows more." in found.text
