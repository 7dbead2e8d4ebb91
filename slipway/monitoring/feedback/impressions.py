"""Rankings that two versions made together, and whose items were clicked: what interleaving counts."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from slipway.monitoring.feedback.store import Feedback

KEPT = timedelta(days=90)
"""How long the clicks of an impression are remembered; no release lasts longer, so what comes later counts nowhere."""


@dataclass(frozen=True, slots=True)
class Impression:
    """One answered ranking: how many items of each version were clicked by now."""

    clicks: Mapping[int, int] = field(default_factory=dict)

    @property
    def winner(self) -> int | None:
        """The version with more clicks than any other; None for a tie, which includes no click at all."""
        most = max(self.clicks.values(), default=0)
        best = [version for version, clicks in self.clicks.items() if clicks == most]
        return best[0] if len(best) == 1 else None

    def clicked(self, version: int) -> "Impression":
        """With one click more."""
        return Impression({**self.clicks, version: self.clicks.get(version, 0) + 1})


@dataclass(frozen=True, slots=True)
class Click:
    """A click on an item of an impression: where it counts, and to which version."""

    model: str
    impression: str
    release: str
    version: int
    made_at: datetime

    @classmethod
    def of(cls, feedback: "Feedback", now: datetime | None = None) -> "Click | None":
        """The click that a piece of feedback is: a reward above 0 for an item that two versions competed for."""
        prediction = feedback.prediction
        if not prediction.release or feedback.reward is None or feedback.reward <= 0:
            return None
        if (now or datetime.now(UTC)) - prediction.made_at >= KEPT:
            return None
        return cls(prediction.model, prediction.random, prediction.release, prediction.version, prediction.made_at)


class WinCounters(Protocol):
    """Which version was ahead in how many impressions."""

    def wins(self, model: str, release: str) -> Mapping[int, int]:
        """The impressions that each version won, of those made in a release; ``release`` is its tag.

        Raises:
            UnavailableError: the store cannot be reached.
        """
        ...


def won(clicks: Iterable[Click]) -> dict[int, int]:
    """The impressions that each version won by these clicks, of which none comes twice."""
    impressions: dict[str, Impression] = {}
    for click in clicks:
        impressions[click.impression] = impressions.get(click.impression, Impression()).clicked(click.version)
    winners = Counter(impression.winner for impression in impressions.values())
    return {version: count for version, count in winners.items() if version is not None}
