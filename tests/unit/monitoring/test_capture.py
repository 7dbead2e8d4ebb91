import json

from slipway.monitoring.captures.line import capture_line, drawn_by_chance


def test_nothing_and_everything_are_exact() -> None:
    assert all(0 <= drawn_by_chance() < 1 for _ in range(1000))


def test_a_share_is_about_that_share() -> None:
    assert 800 < sum(drawn_by_chance() < 0.1 for _ in range(10_000)) < 1200


def test_a_capture_is_one_line_of_json() -> None:
    line = capture_line(
        prediction_id="m.1.x",
        model="m",
        version=1,
        time_ms=5,
        request_id="r",
        inputs={"text": "two\nlines \u2028 é"},
        outputs={"label": "a"},
    )
    assert "\n" not in line
    assert json.loads(line)["capture"]["inputs"] == {"text": "two\nlines \u2028 é"}
