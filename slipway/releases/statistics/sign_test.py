"""The sign test that decides an interleaving."""

import math
from dataclasses import dataclass

from slipway.releases.evidence.tallies import Clusters, Tally
from slipway.releases.statistics.clusters import Sample, design_effect
from slipway.releases.statistics.interleaving import Team
from slipway.releases.statistics.user_intervals import interval_alone

# The decided impressions at which the interval over users is narrowest.
NARROWEST = 1000.0


@dataclass(frozen=True, slots=True)
class SignTest:
    """How often the candidate was preferred. Ties are counted, but are no evidence for either version.

    ``users`` has the decided impressions by bucket, with those that the candidate won. One user's impressions are
    alike, so a winner must then be one by the variance between users too.
    """

    won: float
    lost: float
    ties: float
    users: Clusters | None = None

    @property
    def log_evidence(self) -> float:
        """The logarithm of the evidence that the two versions are not equally good, valid at any number of looks.

        With a uniform prior on the probability of winning, the mixture of likelihood ratios against 1/2 is
        B(won + 1, lost + 1) 2^n.
        """
        beta = math.lgamma(self.won + 1) + math.lgamma(self.lost + 1) - math.lgamma(self.won + self.lost + 2)
        return beta + (self.won + self.lost) * math.log(2)

    def winner(self, alpha: float) -> Team | None:
        """The better team if the evidence reaches 1 / alpha, else None."""
        if self.won == self.lost or self.log_evidence < math.log(1 / alpha):
            return None
        winner = Team.CANDIDATE if self.won > self.lost else Team.STABLE
        return winner if self.users is None or self._by_users(self.users, alpha) is winner else None

    def _by_users(self, users: Clusters, alpha: float) -> Team | None:
        """The team that most users prefer; None as long as it is open, or only one bucket has impressions."""
        won, decided = sum(users.total), sum(users.n)
        rest = max(self.won + self.lost - decided, 0.0)
        sample = Sample.of(users, Tally(rest, min(max(self.won - won, 0.0), rest)))
        interval = interval_alone(sample, 0.5, alpha, planned=NARROWEST)
        if interval is None or interval.low <= 0 <= interval.high:
            return None
        return Team.CANDIDATE if interval.low > 0 else Team.STABLE

    @property
    def sentence(self) -> str:
        """The test, for people."""
        decided = self.won + self.lost
        share = f"{100 * self.won / decided:.1f} %" if decided else "none"
        odds = f"odds of {math.exp(min(self.log_evidence, 30)):,.3g} to 1 that they differ"
        odds += f" (design effect of the users {design_effect(self.users):.1f})" if self.users else ""
        return (
            f"the candidate was preferred in {share} of {decided:,.0f} impressions, {self.ties:,.0f} were ties; {odds}"
        )
