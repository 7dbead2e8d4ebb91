"""Whether requests are shared as intended: a sequential test that allows for looking at it after every window.

M. Lindon and A. Malek, Anytime-valid inference for multinomial count data, 2020, https://arxiv.org/abs/2011.03567.
docs/judge.md has what is assumed.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from slipway.statistics.betting import Array
from slipway.statistics.counts import log_evidence

Flags = NDArray[np.bool_]

# A smaller deviation is not worth a word: 2 % of the smaller side, or the precision of a load balancer's weights.
_RELATIVE, _ABSOLUTE = 0.02, 0.002
# The scatter of windows that requests shared one by one exceed with probability 0.001, as a normal deviate.
_UNLIKELY = 3.09
# The variance of the prior of a shift of whole users, in standard errors squared.
_SHIFT = 4.0


@dataclass(frozen=True, slots=True)
class ShareCounts:
    """The requests to each version, of shape [..., versions] with the stable one first. Leading axes, if any, are runs.

    - ``shares``: the shares intended since the last change, ``n`` the requests since then, ``squares`` the sum over
      windows of n² over the window's requests, and ``windows`` their number.
    - ``earlier``: the logarithm of the evidence from before that change; ``scatter`` and ``freedom`` its windows'
      chi-square, and degrees of freedom.
    - ``seen``, ``expected``: all requests, and how they should have been shared.
    """

    shares: Array
    n: Array
    squares: Array
    windows: Array
    earlier: Array
    scatter: Array
    freedom: Array
    seen: Array
    expected: Array

    @classmethod
    def of(cls, versions: int, runs: tuple[int, ...] = ()) -> "ShareCounts":
        """No requests yet."""
        each, one = np.zeros((*runs, versions)), np.zeros(runs)
        return cls(each, each, each, one, one, one, one, each, each)

    def after(self, n: Array, shares: Array) -> "ShareCounts":
        """The counts after a window in which the versions had ``n`` requests, and should have had these shares.

        Requests to versions without a share are left out: stragglers say nothing about the others.
        """
        n = np.where(shares > 0, n, 0.0)
        total = n.sum(axis=-1, keepdims=True)
        changed = np.any(np.abs(shares - self.shares) > 1e-9, axis=-1) & (total[..., 0] > 0)
        kept = self._closed(changed)
        return replace(
            kept,
            shares=np.where(total > 0, shares, self.shares),
            n=kept.n + n,
            squares=kept.squares + n**2 / np.maximum(total, 1e-12),
            windows=kept.windows + (total[..., 0] > 0),
            seen=kept.seen + n,
            expected=kept.expected + shares * total,
        )

    @property
    def evidence(self) -> Array:
        """The logarithm of the evidence that the requests are not shared as intended.

        While they are, one by one, it ever reaches log(1/p) with probability p at most (Ville). If the windows scatter
        more than such requests would, the counts are divided by how much more.
        """
        scatter, freedom = (was + now for was, now in zip((self.scatter, self.freedom), self._scattered(), strict=True))
        return self.earlier + log_evidence(self.n / _dispersion(scatter, freedom)[..., None], self.shares)

    @property
    def matters(self) -> Flags:
        """Whether any version's part of all requests is further from its share than can be left unsaid."""
        total = np.maximum(self.seen.sum(axis=-1, keepdims=True), 1e-12)
        share = self.expected / total
        least = np.minimum(_ABSOLUTE, _RELATIVE * np.minimum(share, 1 - share))
        matters: Flags = np.any(np.abs(self.seen / total - share) > np.maximum(least, 1e-9), axis=-1)
        return matters

    def _scattered(self) -> tuple[Array, Array]:
        """The chi-square of the windows around their own mean, and its degrees of freedom."""
        total = np.maximum(self.n.sum(axis=-1, keepdims=True), 1e-12)
        mean = np.maximum(self.n / total, 1e-12)
        chi_square = (self.squares / mean).sum(axis=-1) - self.n.sum(axis=-1)
        arms = np.maximum((self.n > 0).sum(axis=-1), 1)
        freedom = np.maximum(self.windows - 1, 0) * (arms - 1)
        return np.where(freedom > 0, np.maximum(chi_square, 0.0), 0.0), freedom

    def _closed(self, changed: Flags) -> "ShareCounts":
        """The counts with the time since the last change closed, in the runs in which the shares have changed."""
        if not changed.any():
            return self
        scatter, freedom = self._scattered()
        each = changed[..., None]
        return replace(
            self,
            n=np.where(each, 0.0, self.n),
            squares=np.where(each, 0.0, self.squares),
            windows=np.where(changed, 0.0, self.windows),
            earlier=np.where(changed, self.evidence, self.earlier),
            scatter=self.scatter + np.where(changed, scatter, 0.0),
            freedom=self.freedom + np.where(changed, freedom, 0.0),
        )


FIELDS = tuple(each.name for each in fields(ShareCounts))


def log_evidence_of_users(excess: Array) -> Array:
    """The logarithm of the evidence of a mismatch where whole users are assigned, from their requests by bucket.

    ``excess`` is of shape [versions, buckets]: a version's requests in a bucket, less its share of that bucket's. The
    buckets' own spread is the standard error, so a user with many requests weighs on both sides (de la Peña, Lai and
    Shao, Self-Normalized Processes, 2009). The shift is mixed over a normal prior, and the versions equally. With
    requests in less than half of the buckets there are too few users to tell.
    """
    spread = (excess**2).sum(axis=-1)
    enough = (excess != 0).sum(axis=-1) >= excess.shape[-1] / 2
    squared = np.where((spread > 0) & enough, excess.sum(axis=-1) ** 2 / np.maximum(spread, 1e-12), 0.0)
    logs = _SHIFT / (1 + _SHIFT) * squared / 2 - np.log1p(_SHIFT) / 2
    highest = logs.max(axis=-1, keepdims=True)
    mixed: Array = np.log(np.exp(logs - highest).mean(axis=-1)) + highest[..., 0]
    return mixed


def _dispersion(scatter: Array, freedom: Array) -> Array:
    """How many times further the windows scatter than by chance; 1 unless that is beyond doubt."""
    known = np.maximum(freedom, 1.0)
    # The quantile of chi-square by Wilson and Hilferty (1931).
    most = known * (1 - 2 / (9 * known) + _UNLIKELY * np.sqrt(2 / (9 * known))) ** 3
    beyond: Array = np.where((freedom > 0) & (scatter > most), scatter / known, 1.0)
    return beyond
