"""The log: a line of JSON for each thing that went wrong."""

import logging
import sys

from pydantic_core import to_json


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON, with the traceback as one string."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"level": record.levelname, "logger": record.name, "message": record.getMessage()}
        if request := getattr(record, "request", ""):
            line["request"] = request
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return to_json(line).decode()


def log_as_json() -> None:
    """Make every logger of this process write JSON, from warnings upwards.

    Lambda's runtime has put its handler on the root logger already, and it is kept; elsewhere standard error is used.
    """
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.StreamHandler(sys.stderr))
    for handler in root.handlers:
        handler.setFormatter(JsonFormatter())
    root.setLevel(logging.WARNING)
