import json
import logging

from slipway.monitoring.telemetry.logs import JsonFormatter


def test_an_exception_is_one_line_of_json() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("slipway", logging.ERROR, __file__, 1, "%s failed", ("it",), info)
    record.request = "r-1"
    line = JsonFormatter().format(record)
    assert "\n" not in line
    parsed = json.loads(line)
    assert (parsed["level"], parsed["message"], parsed["request"]) == ("ERROR", "it failed", "r-1")
    assert "ValueError: two\nlines" in parsed["exception"]
