"""Requests with a mistake, and the status that each must be answered with."""

import json
import random

from benchmarks.load.requests import FLIGHTS, HEAVY, LIGHT, Ask, Predictions, packed, posted, predict

_TWEET = {"text": "good"}
_PATH = f"/v1/models/{LIGHT}/predict"
_JSON = {"content-type": "application/json"}
_TENSOR = {"name": "text", "datatype": "BYTES", "shape": [3], "data": ["two", "values"]}
_HOT = {"groups": {"airport-weather": {"event_time": "2026-01-01T00:00:00Z", "values": {"temperature": "hot"}}}}


def _is(status: int, ask: Ask) -> Ask:
    return Ask(ask.method, ask.path, ask.body, ask.headers, frozenset({status}))


WRONG = (
    _is(400, Ask("POST", _PATH, b'{"inputs": [', _JSON)),
    _is(400, Ask("POST", f"/v1/models/{HEAVY}/predict", b"{", _JSON)),
    _is(400, Ask("POST", _PATH, b"no gzip", {**_JSON, "content-encoding": "gzip"})),
    _is(400, posted(f"/v2/models/{LIGHT}/infer", {"inputs": [_TENSOR]})),
    _is(404, predict("nothing", [_TWEET])),
    _is(404, posted(f"/v1/models/{LIGHT}/versions/99/predict", {"inputs": [_TWEET]})),
    _is(404, Ask("GET", "/v1/features/airport/nowhere")),
    _is(404, Ask("GET", "/v1/nothing")),
    _is(413, Ask("POST", _PATH, b" " * 1_200_000, _JSON)),
    _is(413, packed(predict(HEAVY, [{"text": "a" * 2_000_000}]))),
    _is(413, predict(HEAVY, [{"text": "ab " * 1300}] * 20)),
    _is(415, Ask("POST", _PATH, b"good", {"content-type": "text/plain"})),
    _is(422, predict(LIGHT, [])),
    _is(422, predict(LIGHT, [{"txt": "good"}])),
    _is(422, predict(HEAVY, [{"text": 7}])),
    _is(422, predict(FLIGHTS, [{"airport": "EWR"}])),
    _is(422, Ask("PUT", "/v1/features/airport/EWR", json.dumps(_HOT).encode(), _JSON)),
    _is(422, posted("/v1/feedback", {"prediction_id": "nonsense", "label": "late"})),
)


def wrong(chance: random.Random, _: Predictions) -> Ask:
    """One of them."""
    return chance.choice(WRONG)
