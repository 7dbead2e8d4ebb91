"""The mix: what share of the requests is of which kind, and which process answers it."""

from dataclasses import dataclass

from benchmarks.load import requests
from benchmarks.load.requests import FLIGHTS, HEAVY, LIGHT, Make, packed, packed_whole, predict, tensors
from benchmarks.load.wrong import wrong

# Names of functions, as in processes.py, and the task of the heavy model.
PREDICT, FEATURES, FEEDBACK, TASK = "function Predict", "function Features", "function Feedback", "task"


@dataclass(frozen=True)
class Kind:
    """One kind of traffic: its share, how a request is made, and the processes that answer it, if only one does."""

    share: float
    make: Make
    server: str | None


KINDS = {
    "flight": Kind(18, lambda c, _: predict(FLIGHTS, [requests.flight(c)]), PREDICT),
    "flights, 8 to 64": Kind(
        3, lambda c, _: predict(FLIGHTS, [requests.flight(c) for _ in range(c.randint(8, 64))]), PREDICT
    ),
    "tweet": Kind(14, lambda c, _: predict(LIGHT, requests.tweets(c, 1, 1)), PREDICT),
    "tweets, 4 to 32": Kind(3, lambda c, _: predict(LIGHT, requests.tweets(c, 4, 32)), PREDICT),
    "tweets, gzip": Kind(2, lambda c, _: packed_whole(predict(LIGHT, requests.tweets(c, 4, 32))), PREDICT),
    "tweet, sticky": Kind(6, requests.sticky, PREDICT),
    "tweets, V2 JSON": Kind(3, lambda c, _: tensors(LIGHT, c, binary=False), PREDICT),
    "tweets, V2 binary": Kind(3, lambda c, _: tensors(LIGHT, c, binary=True), PREDICT),
    "ranking": Kind(3, requests.rank, PREDICT),
    "big body": Kind(1, requests.big, PREDICT),
    "heavy tweet, new": Kind(9, lambda c, _: predict(HEAVY, requests.tweets(c, 1, 1)), TASK),
    "heavy tweet, known": Kind(8, lambda c, _: predict(HEAVY, [{"text": requests.known_text(c)}]), TASK),
    "heavy tweets, 2 to 8": Kind(2, lambda c, _: predict(HEAVY, requests.tweets(c, 2, 8)), TASK),
    "heavy tweets, gzip": Kind(2, lambda c, _: packed(predict(HEAVY, requests.tweets(c, 2, 8))), TASK),
    "heavy, V2 JSON": Kind(2, lambda c, _: tensors(HEAVY, c, binary=False), TASK),
    "heavy, V2 binary": Kind(2, lambda c, _: tensors(HEAVY, c, binary=True), TASK),
    "features, read": Kind(5, requests.read_features, FEATURES),
    "features, write": Kind(3, requests.write_features, FEATURES),
    "features, 20 rows": Kind(1, requests.write_rows, FEATURES),
    "feedback": Kind(8, requests.feedback, FEEDBACK),
    "mistake": Kind(4, wrong, None),
}
