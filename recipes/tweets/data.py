"""Read the labelled tweets, which stay outside the repository."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from recipes.packaging import sha256

LABELS = ("negative", "neutral", "positive")
HEADER = "year\tlabel\ttext"


@dataclass(frozen=True)
class Tweets:
    """Texts with their labels, as columns of `LABELS`, and years; all of one length."""

    texts: list[str]
    labels: np.ndarray
    years: np.ndarray

    def __len__(self) -> int:
        return len(self.texts)

    def where(self, keep: np.ndarray) -> Self:
        """The tweets that a boolean array keeps."""
        texts = [text for text, kept in zip(self.texts, keep, strict=True) if kept]
        return type(self)(texts, self.labels[keep], self.years[keep])


@dataclass(frozen=True)
class TweetFile:
    """One file of tweets, with its name and digest for a manifest."""

    name: str
    sha256: str
    tweets: Tweets


def read_tweets(path: Path) -> TweetFile:
    """Read a tab-separated file of year, label and text under one header line."""
    content = path.read_bytes()
    header, *lines = content.decode("utf-8").removesuffix("\n").split("\n")
    if header != HEADER:
        raise SystemExit(f"{path}: the first line must be year, label and text between tabs, got {header!r}")
    return TweetFile(path.name, sha256(content), parse_tweets(lines))


def parse_tweets(lines: Sequence[str]) -> Tweets:
    """Tweets from lines of year, label and text."""
    rows = [line.split("\t", 2) for line in lines]
    labels = np.array([LABELS.index(label) for _, label, _ in rows], dtype=np.int64)
    return Tweets([text for *_, text in rows], labels, np.array([int(year) for year, *_ in rows]))


def tweets_of(rows: Any) -> Tweets:
    """Tweets from rows of a data set of training, as a pyarrow table."""
    labels = np.array([LABELS.index(label) for label in rows["label"].to_pylist()], dtype=np.int64)
    years = np.array([time.year for time in rows["_time"].to_pylist()])
    return Tweets(rows["text"].to_pylist(), labels, years)


def unseen(tweets: Tweets, seen: Tweets) -> Tweets:
    """The tweets whose letters and digits differ from those of every tweet in ``seen``."""
    known = {_letters(text) for text in seen.texts}
    return tweets.where(np.array([_letters(text) not in known for text in tweets.texts], dtype=bool))


def _letters(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())
