"""Parses captures from log lines, and packs them into files."""

import gzip
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from slipway.models.prediction.labels import answered_labels
from slipway.monitoring.feedback.prediction_ids import STORED_ID_PATTERN, PredictionId, parse_prediction_id

MARK = '{"capture":'
"""The prefix of every line that `capture_line` writes."""

FILTER = "capture"
"""The word that CloudWatch Logs filters match; the parser skips other lines that contain it."""

FOLDER = "captures"
GIVEN_UP = "aws/lambda/async"
"""The folder in which Lambda stores the events that the function `capture` failed on after all retries."""

_MOST_MILLISECONDS = 253_402_300_799_999  # the end of the year 9999
_NAME_DIGITS = 32


class Capture(BaseModel):
    """One captured prediction: the record with its features filled in, the version's answer, and the time.

    ``entities`` has the id of each entity that the record named; captures of earlier builds have none. A capture with
    kept=False is for shadows only. ``precomputed`` is when a batch job made the answer ahead of the request, of the
    inputs as they were then, in milliseconds since 1970.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: Annotated[str, Field(pattern=STORED_ID_PATTERN)]
    model: str
    version: int
    time: Annotated[int, Field(ge=0, le=_MOST_MILLISECONDS)]
    request: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    entities: dict[str, str] = {}
    precomputed: Annotated[int, Field(ge=0, le=_MOST_MILLISECONDS)] | None = None
    kept: bool = True

    @model_validator(mode="after")
    def _is_of_its_id(self) -> Self:
        predicted = self.prediction
        if (self.model, self.version) != (predicted.model, predicted.version):
            raise ValueError("`id` is of another model or version")
        return self

    def line(self) -> str:
        """The capture as a line of a file, without a newline."""
        absent = {name for name in ("entities", "precomputed") if not getattr(self, name)}
        return self.model_dump_json(exclude={"kept", *absent})

    @property
    def inputs_time(self) -> int:
        """When the inputs were as they are here, in milliseconds since 1970."""
        return self.time if self.precomputed is None else self.precomputed

    @property
    def prediction(self) -> PredictionId:
        """The parsed id."""
        return parse_prediction_id(self.id)

    @property
    def made_at(self) -> datetime:
        """The time of the prediction."""
        return datetime.fromtimestamp(self.time / 1000, UTC)

    @property
    def label(self) -> str | None:
        """The predicted label, or the `label_text` of the predicted labels; None for a regression."""
        if (labels := answered_labels(self.outputs)) is not None:
            return label_text(labels)
        label = self.outputs.get("label")
        return label if isinstance(label, str) else None


def label_text(labels: Iterable[str]) -> str:
    """One text for a set of labels, whatever their order."""
    return json.dumps(sorted(set(labels)), ensure_ascii=False)


class _Line(BaseModel):
    capture: Capture


@dataclass(frozen=True, slots=True)
class ParsedLines:
    """The distinct captures among some lines, and the number of lines that start like a capture but are invalid."""

    captures: tuple[Capture, ...]
    broken: int


def read_captures(lines: Iterable[str]) -> ParsedLines:
    """Parse the captures among log lines and skip all other lines."""
    found: dict[str, Capture] = {}
    broken = 0
    for line in lines:
        if not line.startswith(MARK):
            continue
        try:
            capture = _Line.model_validate_json(line).capture
        except ValidationError:
            broken += 1
        else:
            found.setdefault(capture.id, capture)
    return ParsedLines(tuple(found.values()), broken)


def pack(captures: Iterable[Capture]) -> Mapping[str, bytes]:
    """Return compressed JSON Lines files by key, one for each model and hour of prediction.

    A key contains a digest of the file's content, so storing the same captures again replaces the same file.
    """
    folders: dict[str, list[str]] = defaultdict(list)
    for capture in captures:
        hour = f"date={capture.made_at:%Y-%m-%d}/hour={capture.made_at:%H}"
        folders[f"{FOLDER}/model={capture.model}/{hour}"].append(capture.line())
    return dict(_file(folder, lines) for folder, lines in folders.items())


def _file(folder: str, lines: Iterable[str]) -> tuple[str, bytes]:
    content = "".join(f"{line}\n" for line in sorted(lines)).encode()
    name = hashlib.sha256(content).hexdigest()[:_NAME_DIGITS]
    return f"{folder}/{name}.jsonl.gz", gzip.compress(content, mtime=0)
