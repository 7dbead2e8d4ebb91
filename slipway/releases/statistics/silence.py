"""Whether a candidate that should have requests has none, which is told from chance at any traffic."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from slipway.statistics.betting import Array

Flags = NDArray[np.bool_]
_BEYOND_CHANCE = 100.0


@dataclass(frozen=True, slots=True)
class Silence:
    """How long nothing has been counted for each candidate. Leading axes, if any, are runs.

    - ``windows``: all windows so far in which the stable version had requests, of shape [...].
    - ``minutes``: the minutes of such windows since a candidate's last request, of shape [..., candidates].
    - ``since``: the number of the window with which that silence began, and 0 without one.
    - ``requests``: the stable version's requests in it; ``odds``: the logarithm of one over its probability.
    """

    windows: Array
    minutes: Array
    since: Array
    requests: Array
    odds: Array

    @classmethod
    def of(cls, candidates: int, runs: tuple[int, ...] = ()) -> "Silence":
        """Nothing has been watched yet."""
        none = np.zeros((*runs, candidates))
        return cls(np.zeros(runs), none, none, none, none)

    def after(
        self, n: Array, shares: Array, minutes: Array | float, *, users: Array | float | None = None
    ) -> "Silence":
        """The silence after a window in which the versions had ``n`` requests, and should have had these shares.

        A request to one of the two went to the stable version with probability s / (s + c). So a silence of m requests
        has the probability (s / (s + c))^m. Where whole users are assigned, ``users`` of them are known to have been at
        the stable version, and take the place of m.
        """
        stable, ours = n[..., :1], n[..., 1:]
        share, expected = shares[..., :1], shares[..., 1:]
        heard = (ours > 0) | (expected <= 0)
        seen = (stable > 0) & (share > 0)
        quiet = seen & ~heard
        windows = self.windows + seen[..., 0]
        each = np.log1p(expected / np.maximum(share, 1e-12))
        if users is None:
            odds = self.odds + np.where(quiet, stable * each, 0.0)
        else:
            odds = np.maximum(self.odds, np.where(quiet, np.asarray(users)[..., None] * each, 0.0))
        since = np.where(self.since > 0, self.since, np.where(quiet, windows[..., None], 0.0))
        spent = np.asarray(minutes)[..., None]
        return Silence(
            windows,
            np.where(heard, 0.0, self.minutes + np.where(quiet, spent, 0.0)),
            np.where(heard, 0.0, since),
            np.where(heard, 0.0, self.requests + np.where(quiet, stable, 0.0)),
            np.where(heard, 0.0, odds),
        )

    def silent(self, least_minutes: float, alpha: float) -> Flags:
        """Whether each candidate is silent, and not by chance.

        A silence that began with window w may spend alpha / (w (w + 1)) of the error probability. These sum to alpha,
        so a candidate that gets its share is ever called silent with probability alpha at most.
        """
        began = np.maximum(self.since, 1.0)
        level = np.log(began * (began + 1) * self.since.shape[-1] / alpha)
        silent: Flags = (self.since > 0) & (self.minutes >= least_minutes) & (self.odds >= level)
        return silent


def audible(shares: Array, silence: Silence) -> Array:
    """The shares of the versions that can be heard: those of silent candidates go to the others, in proportion.

    A silence has a verdict of its own, and must not be taken for a mismatch of the others' shares.
    """
    heard = (silence.minutes <= 0) | (silence.odds < np.log(_BEYOND_CHANCE))
    kept = shares * np.concatenate([np.ones_like(heard[..., :1]), heard], axis=-1)
    whole: Array = kept / np.maximum(kept.sum(axis=-1, keepdims=True), 1e-12)
    return whole


FIELDS = tuple(each.name for each in fields(Silence))
