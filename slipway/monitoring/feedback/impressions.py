"""Interleaving's evidence: rankings that two versions made together, and the version whose items were clicked."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from slipway.monitoring.feedback.prediction_ids import bucket_in

if TYPE_CHECKING:
    from slipway.monitoring.feedback.store import Feedback

KEPT = timedelta(days=90)
"""How long an impression's clicks are kept. No release lasts longer, so later clicks are ignored."""


@dataclass(frozen=True, slots=True)
class Impression:
    """One answered ranking, with the number of clicked items of each version so far."""

    clicks: Mapping[int, int] = field(default_factory=dict)

    @property
    def winner(self) -> int | None:
        """The version with the most clicks; None for a tie or if there are no clicks."""
        most = max(self.clicks.values(), default=0)
        best = [version for version, clicks in self.clicks.items() if clicks == most]
        return best[0] if len(best) == 1 else None

    def clicked(self, version: int) -> "Impression":
        """Return this impression with one more click for ``version``."""
        return Impression({**self.clicks, version: self.clicks.get(version, 0) + 1})


@dataclass(frozen=True, slots=True)
class Click:
    """A click on an item of an impression, and the model, release and version that it counts for."""

    model: str
    impression: str
    release: str
    version: int
    made_at: datetime

    @classmethod
    def of(cls, feedback: "Feedback", now: datetime | None = None) -> "Click | None":
        """Return feedback as a click if it is a positive reward for an item of an interleaved ranking, else None."""
        prediction = feedback.prediction
        if not prediction.release or feedback.reward is None or feedback.reward <= 0:
            return None
        if (now or datetime.now(UTC)) - prediction.made_at >= KEPT:
            return None
        return cls(prediction.model, prediction.random, prediction.release, prediction.version, prediction.made_at)


class WinCounters(Protocol):
    """Reads how many impressions each version won."""

    def wins(self, model: str, release: str) -> Mapping[int, int]:
        """Return how many of a release's impressions each version won; ``release`` is the release's tag.

        Raises:
            UnavailableError: the store cannot be reached.
        """
        ...

    def wins_by_bucket(self, model: str, release: str) -> Mapping[int, Mapping[int, int]]:
        """Return the wins of each version by bucket of the sticky value; empty if the release is not sticky.

        Raises:
            UnavailableError: the store cannot be reached.
        """
        ...


def won(clicks: Iterable[Click]) -> dict[int, int]:
    """Return how many impressions each version won by these clicks, which must be distinct."""
    impressions: dict[str, Impression] = {}
    for click in clicks:
        impressions[click.impression] = impressions.get(click.impression, Impression()).clicked(click.version)
    winners = Counter(impression.winner for impression in impressions.values())
    return {version: count for version, count in winners.items() if version is not None}


def won_by_bucket(clicks: Iterable[Click]) -> dict[int, dict[int, int]]:
    """Return the same by bucket of the sticky value, without impressions that have none."""
    by_bucket: dict[int, list[Click]] = defaultdict(list)
    for click in clicks:
        if (bucket := bucket_in(click.impression)) is not None:
            by_bucket[bucket].append(click)
    return {bucket: won(found) for bucket, found in by_bucket.items()}
