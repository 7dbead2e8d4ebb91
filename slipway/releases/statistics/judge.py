"""The verdict on one candidate, with its numbers in sentences. docs/judge.md has the theory."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from slipway.config.releases.options import JudgeConfig
from slipway.releases.evidence import tallies as evidence
from slipway.releases.evidence.tallies import Window
from slipway.releases.statistics.capital import Capital
from slipway.releases.statistics.comparisons import Comparison, Questions
from slipway.releases.statistics.user_guards import UserEvidence
from slipway.wording import counted

# The share of the evidence for a rollback from which nothing is promoted. A minute wins so much at most that a bad
# candidate needs two or three to be found, and must not be promoted meanwhile.
_SUSPECTED = 1 / 3


class Outcome(StrEnum):
    """The judge's outcome for a candidate."""

    CONTINUE = "continue"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Finding:
    """One row: both means with their counts, and the evidence against and for the candidate, as log odds.

    ``recent`` says that the counts are of the last outcomes only, which decided; otherwise they are of all. ``users``
    is the users' answer, for people.
    """

    row: Comparison
    candidate_n: float
    candidate_mean: float
    stable_n: float
    stable_mean: float
    against: float
    favour: float
    worse: bool
    fine: bool
    recent: bool = False
    users: str = ""

    @property
    def sentence(self) -> str:
        """The finding, for people."""
        over = self.row.limits_ms
        ours, theirs = (f" over {_milliseconds(limit)}" for limit in over) if over else ("", "")
        last = "the last " if self.recent else ""
        counts = f"{_mean(self.candidate_mean)} of {last}{self.candidate_n:,.0f}{ours}"
        if self.stable_n:
            counts += f" against {_mean(self.stable_mean)} of {self.stable_n:,.0f}{theirs}"
        if self.worse:
            judged = f"worse than allowed ({_allowed(self.row)}), at odds of {_odds(self.against)}"
        elif self.fine:
            judged = f"within the margin ({_allowed(self.row)}), at odds of {_odds(self.favour)}"
        else:
            judged = f"open ({_allowed(self.row)}; odds {_odds(self.against)} against, {_odds(self.favour)} for)"
        return f"{_subject(self.row)}: {counts}, {judged}{self.users}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome, its reason in one sentence, and the findings.

    ``held`` pauses the release without blaming the candidate, as when both versions fail alike.
    """

    outcome: Outcome
    sentence: str
    findings: tuple[Finding, ...] = ()
    held: bool = False

    @property
    def lines(self) -> tuple[str, ...]:
        """The sentence and every finding with outcomes, as stored in the history."""
        others = (finding.sentence for finding in self.findings if finding.candidate_n)
        return (self.sentence, *(sentence for sentence in others if sentence not in self.sentence))


def findings(capital: Capital, asked: Questions, users: UserEvidence | None = None) -> tuple[Finding, ...]:
    """The finding for each row, and one for each paired metric; with ``users``, they have to agree."""
    favour = capital.evidence_for(asked)
    against = {metric: float(capital.evidence_against(asked, metric)) for metric in asked.metrics}
    seconds = {index for metric in asked.paired for index in asked.indices(metric)[1:]}
    shown = (index for index in range(len(asked.rows)) if index not in seconds)
    agreeing = users or UserEvidence(asked, {})
    return tuple(
        _finding(capital, agreeing, index, against[asked.rows[index].metric], favour[index]) for index in shown
    )


def _finding(capital: Capital, users: UserEvidence, index: int, against: float, favour: float) -> Finding:
    asked = users.asked
    worse = against >= math.log(1 / asked.alpha) and index == _worst(capital, users, asked.rows[index].metric)
    counts = capital.rising if worse else capital.counts
    return Finding(
        asked.rows[index],
        float(counts.candidate_n[index]),
        _share(counts.candidate_sum[index], counts.candidate_n[index]),
        float(counts.stable_n[index]),
        _share(counts.stable_sum[index], counts.stable_n[index]),
        against,
        float(favour),
        worse=worse,
        fine=float(favour) >= math.log(1 / asked.beta) and users.agrees_fine(index),
        recent=bool(counts.candidate_n[index] < capital.counts.candidate_n[index]),
        users=users.sentence(index),
    )


def judge(
    capital: Capital, asked: Questions, *, requests: float, least: int, users: UserEvidence | None = None
) -> Verdict:
    """Judge a candidate that got ``requests`` requests; a promotion needs at least ``least``."""
    found = findings(capital, asked, users)
    worse = [finding for finding in found if finding.worse]
    if worse:
        return Verdict(Outcome.ROLLBACK, "; ".join(finding.sentence for finding in worse), found)
    if requests < least:
        waiting = (
            f"too little traffic yet: {counted(round(requests), 'request')} to the candidate, of {least:,} at least"
        )
        return Verdict(Outcome.CONTINUE, waiting, found)
    unproven = [finding for finding in found if finding.row.proven and not finding.fine]
    if unproven:
        return Verdict(Outcome.CONTINUE, "not proven yet: " + "; ".join(each.sentence for each in unproven), found)
    suspected = [finding for finding in found if finding.against >= _SUSPECTED * math.log(1 / asked.alpha)]
    if suspected:
        sentence = "not clear yet: " + "; ".join(finding.sentence for finding in suspected)
        return Verdict(Outcome.CONTINUE, sentence, found)
    asked_for = ", ".join(dict.fromkeys(asked.rows[index].metric for index in asked.proven)) or "nothing"
    return Verdict(Outcome.PROMOTE, f"nothing is worse, and proven within the margins: {asked_for}", found)


def shared_failure(window: Window, stable: int, candidates: Sequence[int], judge: JudgeConfig) -> str | None:
    """Describe the shared failure if both versions fail at least at the rate ``outage`` in a window; None otherwise."""
    theirs = window.tally(stable, evidence.ERRORS)
    ours = sum((window.tally(version, evidence.ERRORS) for version in candidates), evidence.NOTHING)
    if not theirs.n or not ours.n or min(theirs.mean, ours.mean) < judge.outage:
        return None
    return (
        f"both versions fail alike: {_mean(ours.mean)} of the candidate's {ours.n:,.0f} requests and "
        f"{_mean(theirs.mean)} of the stable version's {theirs.n:,.0f}; something they share is broken"
    )


def _worst(capital: Capital, users: UserEvidence, metric: str) -> int | None:
    """The row of a metric with the strongest evidence against the candidate, of those to which the users agree.

    Only that row is blamed.
    """
    asked = users.asked
    rows = asked.indices(metric)[:1] if metric in asked.paired else asked.indices(metric)
    agreed = [row for row in rows if users.agrees_worse(row)]
    # What a minute may win is limited, so that several rows often have the same evidence.
    return max(agreed, key=lambda row: (float(capital.against[row].max()), _excess(capital, asked, row)), default=None)


def _excess(capital: Capital, asked: Questions, index: int) -> float:
    """How far the candidate is above its line."""
    row, seen = asked.rows[index], capital.rising
    ours = _share(seen.candidate_sum[index], seen.candidate_n[index])
    return ours - row.ratio * _share(seen.stable_sum[index], seen.stable_n[index]) - row.margin


def _share(total: float, n: float) -> float:
    return float(total / n) if n else 0.0


def _mean(mean: float) -> str:
    return f"{100 * mean:.3g} %"


def _odds(log_evidence: float) -> str:
    if log_evidence > math.log(1e6):
        return "over 1,000,000 to 1"
    return f"{math.exp(log_evidence):,.3g} to 1"


def _milliseconds(limit: float) -> str:
    return f"{limit:,.4g} ms"


def _allowed(row: Comparison) -> str:
    if row.limits_ms is not None:
        ours, theirs = row.limits_ms
        return f"{ours / theirs:.3g} times as slow"
    if row.metric in {"p50", "p99"}:
        return f"no more of them than {row.metric} says"
    margin = f"{100 * row.margin:.3g}"
    return f"{margin} points more" if row.ratio else f"{margin} % in all"


_SUBJECTS = {
    ("p50", False): "latency over the limit of p50",
    ("p99", False): "latency over the limit of p99",
    ("score", False): "mean score",
    ("score", True): "mean distance of the score from 1",
    ("accuracy", False): "wrong labels",
    ("reward", True): "reward missed",
    ("agreement", False): "disagreement with the stable version",
}


def _subject(row: Comparison) -> str:
    if row.metric == "labels":
        label = row.key.removeprefix("label:")
        return f"predictions of anything but {label}" if row.flipped else f"predictions of {label}"
    if row.metric == "value":
        limit, _, target = row.key.removeprefix("value:").partition(":")
        what = f"values of {target}" if target else "values"
        return f"{what} {'up to' if row.flipped else 'over'} {float(limit):g}"
    if row.key == evidence.guardrail_key(row.metric):
        return f"{row.metric} not reached" if row.flipped else row.metric
    return _SUBJECTS.get((row.metric, row.flipped), row.metric)
