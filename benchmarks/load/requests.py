"""The requests of the load, one function for each kind of traffic. The same seed makes the same request.

Feedback is the exception: it is about a prediction of this run, which the server has named.
"""

import gzip
import json
import random
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import tritonclient.http as triton

from benchmarks.load.schedule import seeded
from slipway.serving.apis.oip import HEADER_LENGTH

LIGHT, HEAVY, FLIGHTS = "tweet-sentiment", "tweet-sentiment-large", "flight-delay"
OK = frozenset({200})
_JSON = {"content-type": "application/json"}
_BINARY = {"content-type": "application/octet-stream"}
_AIRPORTS = tuple(f"L{number:03}" for number in range(200))
_PATIENTS = tuple(f"load-{number:03}" for number in range(200))
_CARRIERS, _ORIGINS, _DESTINATIONS = ("UA", "AA", "DL", "B6", "WN"), ("EWR", "JFK", "LGA"), ("MIA", "ORD", "LAX", "ATL")
_WORDS = (
    *(
        "good",
        "bad",
        "sunny",
        "awful",
        "train",
        "late",
        "coffee",
        "love",
        "hate",
        "Friday",
        "Monday",
        "concert",
        "rain",
    ),
    *("meeting", "phone", "queue", "happy", "tired", "again", "never", "always", "the", "a", "of", "my", "your", "is"),
    *(
        "was",
        "will",
        "not",
        "so",
        "very",
        "really",
        "😀",
        "#weekend",
        "@team",
        "thanks",
        "sorry",
        "why",
        "& <b>",
        "“no”",
    ),
)
_KNOWN_TEXTS = 60
_KEYS = 40
_KEPT = 500
_ROWS = 100
# Below the limits of a record's and a request's characters, and with escapes most of the megabyte of a body.
_BIG_RECORDS, _BIG_CHARACTERS = 128, 1000

Record = dict[str, Any]


@dataclass(frozen=True)
class Ask:
    """One request, and the statuses that are right for it. ``key`` is its sticky value."""

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    right: frozenset[int] = OK
    key: str | None = None


@dataclass
class Predictions:
    """The latest predictions of this run, by id, with the label that their feedback gives."""

    made: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=_KEPT))

    def note(self, made: Sequence[Record]) -> None:
        """Keep the first of an answer's predictions."""
        self.made.append((made[0]["id"], made[0]["label"]))


Make = Callable[[random.Random, Predictions], Ask]


def text(chance: random.Random) -> str:
    """A new tweet."""
    return " ".join([*chance.choices(_WORDS, k=chance.randint(3, 18)), f"{chance.getrandbits(32):08x}"])


def known_text(chance: random.Random) -> str:
    """One of a few tweets, which the prediction cache has after a while; some are sent more often than others."""
    rank = min(int(chance.paretovariate(1.0)), _KNOWN_TEXTS)
    return f"tweet number {rank}, so good and so awful again"


def flight(chance: random.Random) -> Record:
    """A flight whose weather is in the feature store."""
    return {
        "carrier": chance.choice(_CARRIERS),
        "airport": chance.choice(_AIRPORTS),
        "origin": chance.choice(_ORIGINS),
        "destination": chance.choice(_DESTINATIONS),
        "departure": chance.randint(300, 1380),
        "arrival": chance.randint(300, 1380),
        "weekday": chance.randint(1, 7),
        "distance": float(chance.randint(100, 2600)),
    }


def weather(chance: random.Random) -> Record:
    """The features of an airport."""
    return {
        "temperature": round(chance.uniform(20, 90), 1),
        "dew_point": round(chance.uniform(10, 60), 1),
        "humidity": round(chance.uniform(20, 100), 1),
        "wind_direction": float(10 * chance.randint(0, 36)),
        "wind_speed": round(chance.uniform(0, 30), 1),
        "precipitation": 0.0,
        "visibility": 10.0,
    }


def posted(path: str, body: object, **more: Any) -> Ask:
    """A POST of JSON."""
    return Ask("POST", path, json.dumps(body).encode(), _JSON, **more)


def predict(model: str, records: Sequence[Record], **more: Any) -> Ask:
    """A prediction in the API's own protocol."""
    return posted(f"/v1/models/{model}/predict", {"inputs": records}, **more)


def tweets(chance: random.Random, least: int, most: int) -> list[Record]:
    """New tweets."""
    return [{"text": text(chance)} for _ in range(chance.randint(least, most))]


def packed(ask: Ask) -> Ask:
    """The request with its body in gzip."""
    return Ask(ask.method, ask.path, gzip.compress(ask.body, mtime=0), {**ask.headers, "content-encoding": "gzip"})


def packed_whole(ask: Ask) -> Ask:
    """The request with gzip as its type, as functions need it."""
    return Ask(ask.method, ask.path, gzip.compress(ask.body, mtime=0), {"content-type": "application/gzip"})


def sticky(chance: random.Random, _: Predictions) -> Ask:
    """A tweet that is sent again and again, and that a sticky release answers by one version."""
    key = f"key {chance.randrange(_KEYS)}"
    return predict(LIGHT, [{"text": key}], key=key)


def tensors(model: str, chance: random.Random, *, binary: bool) -> Ask:
    """A request of the Open Inference Protocol, made by Triton's own client."""
    values = [text(chance) for _ in range(chance.randint(1, 4))]
    tensor = triton.InferInput("text", [len(values)], "BYTES")
    tensor.set_data_from_numpy(np.array([value.encode() for value in values], dtype=object), binary_data=binary)
    outputs = [triton.InferRequestedOutput("scores", binary_data=binary)]
    body, length = triton.InferenceServerClient.generate_request_body([tensor], outputs=outputs)
    headers = {"content-type": "application/octet-stream", HEADER_LENGTH: str(length)} if length else _JSON
    return Ask("POST", f"/v2/models/{model}/infer", body, headers)


def rank(chance: random.Random, _: Predictions) -> Ask:
    """A ranking of some tweets."""
    return posted(f"/v1/models/{LIGHT}/rank", {"items": tweets(chance, 5, 20), "by": "positive"})


def read_features(chance: random.Random, _: Predictions) -> Ask:
    """The features of one entity."""
    return Ask("GET", f"/v1/features/airport/{chance.choice(_AIRPORTS)}")


def write_features(chance: random.Random, _: Predictions) -> Ask:
    """New weather at an airport; 409 if a newer one of the same airport has overtaken it."""
    groups = {"airport-weather": {"event_time": _now(), "values": weather(chance)}}
    path = f"/v1/features/airport/{chance.choice(_AIRPORTS)}"
    return Ask("PUT", path, json.dumps({"groups": groups}).encode(), _JSON, right=frozenset({200, 409}))


def write_rows(chance: random.Random, _: Predictions) -> Ask:
    """A batch of rows of several entities."""
    values = {"mean_radius": chance.uniform(6, 28), "mean_texture": chance.uniform(9, 40)}
    row = {"entity": "patient", "group": "tumour-mean", "event_time": _now(), "values": values}
    return posted("/v1/features/batch-write", {"rows": [{**row, "id": each} for each in chance.sample(_PATIENTS, 20)]})


def feedback(_: random.Random, predictions: Predictions) -> Ask:
    """The label of the oldest prediction that has none; 200 if it is the last one, which has one."""
    made = predictions.made
    prediction, label = made.popleft() if len(made) > 1 else made[0]
    body = {"prediction_id": prediction, "label": label}
    return posted("/v1/feedback", body, right=frozenset({200, 201}))


def big(chance: random.Random, _: Predictions) -> Ask:
    """As many records and as much text as a request may have, in most of a megabyte."""
    records = [{"text": "é" * (_BIG_CHARACTERS - 1) + chance.choice("abc")} for _ in range(_BIG_RECORDS)]
    return predict(LIGHT, records)


def every_airport() -> Iterator[Ask]:
    """Writes the weather of every airport, so that each flight finds it."""
    row = {"entity": "airport", "group": "airport-weather", "event_time": _now()}
    chance = seeded(0)
    rows = [{**row, "id": airport, "values": weather(chance)} for airport in _AIRPORTS]
    for first in range(0, len(rows), _ROWS):
        yield posted("/v1/features/batch-write", {"rows": rows[first : first + _ROWS]})


def _now() -> str:
    return datetime.now(UTC).isoformat()
