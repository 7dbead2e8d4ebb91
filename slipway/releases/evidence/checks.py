"""Leave out of the evidence the counts that cannot be, so that no decision builds on them or fails for them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from math import isfinite
from typing import TypeVar

from slipway.releases.evidence import tallies as keys
from slipway.releases.evidence.tallies import Clusters, Evidence, Reference, Tally, Window
from slipway.wording import counted

_Counts = TypeVar("_Counts", Tally, Clusters)
# Changes of counts: an impression's winner can change, and its click can be counted before the impression is.
_MAY_FALL = frozenset({keys.PREFERRED, keys.TIES})
_ROUNDING = 1e-6


def checked(evidence: Evidence, judged_until: datetime, now: datetime) -> tuple[Evidence, tuple[str, ...]]:
    """The evidence with its new windows in order, and a sentence about everything else that was left out.

    A window that begins before ``judged_until`` has been judged, and is left out in silence. One that overlaps an
    earlier window or is not over yet is left out. A tally that cannot be is left out for all versions of its window,
    so that the others are still compared over the same time.
    """
    if not evidence.windows and evidence.reference is None:
        return evidence, ()
    found: list[Window] = []
    problems: list[str] = []
    until = judged_until
    for window in sorted(evidence.windows, key=lambda each: (each.start, each.end)):
        if window.start < judged_until:
            continue
        if wrong := _misplaced(window, until, now):
            problems.append(f"the window from {window.start:%H:%M:%S} to {window.end:%H:%M:%S} {wrong}: left out")
            continue
        until = window.end
        bad = dict(_impossible(window))
        problems += [f"{sentence}: left out for every version" for sentence in bad]
        found.append(_without(window, set(bad.values())) if bad else window)
    reference, of_past = _checked_reference(evidence.reference)
    return replace(evidence, windows=tuple(found), reference=reference), (*problems, *of_past)


def _misplaced(window: Window, until: datetime, now: datetime) -> str | None:
    if window.end <= window.start:
        return "ends before it begins"
    if window.start < until:
        return "overlaps one before it"
    return "is not over yet" if window.end > now else None


def _impossible(window: Window) -> Iterator[tuple[str, str]]:
    """What cannot be in a window, and the key that it is counted under."""
    for version, tallies in window.arms.items():
        for key, tally in tallies.items():
            if wrong := _wrong(key, tally):
                yield f"{key} of version {version} at {window.start:%H:%M} {wrong}", key
    for version, counts in window.clusters.items():
        for key, clusters in counts.items():
            if not _are_counts(key, clusters):
                yield f"{key} by bucket of version {version} at {window.start:%H:%M} are no counts", key


def _wrong(key: str, tally: Tally) -> str | None:
    numbers = (tally.n, tally.total, tally.squares or 0.0)
    if not all(map(isfinite, numbers)):
        return f"are {tally.total} of {tally.n}"
    if key in _MAY_FALL:
        return None
    most = tally.n * (1 + _ROUNDING) + _ROUNDING
    possible = tally.n >= 0 and 0 <= tally.total <= most and 0 <= numbers[2] <= most
    return None if possible else f"are {tally.total:g} of {tally.n:g}"


def _are_counts(key: str, clusters: Clusters) -> bool:
    numbers = (*clusters.n, *clusters.total)
    return all(map(isfinite, numbers)) and (key != keys.ERRORS or min(numbers) >= 0)


def _without(window: Window, left_out: Collection[str]) -> Window:
    return replace(window, arms=_kept(window.arms, left_out), clusters=_kept(window.clusters, left_out))


def _kept(counts: Mapping[int, Mapping[str, _Counts]], left_out: Collection[str]) -> dict[int, dict[str, _Counts]]:
    return {
        version: {key: each for key, each in by_key.items() if key not in left_out}
        for version, by_key in counts.items()
    }


def _checked_reference(reference: Reference | None) -> tuple[Reference | None, tuple[str, ...]]:
    """The stable version's past without what cannot be."""
    if reference is None:
        return None, ()
    past, of_minutes = _checked_past(reference)
    wrong = {key: said for key, tally in past.tallies.items() if (said := _wrong(key, tally))}
    problems = [*of_minutes, *(f"{key} of the stable version's past {said}: left out" for key, said in wrong.items())]
    checked_one = past
    if wrong:
        tallies = {key: tally for key, tally in past.tallies.items() if key not in wrong}
        checked_one = replace(past, tallies=tallies)
    limits = [limit for limit in (reference.p50_ms, reference.p99_ms) if limit is not None]
    if not all(isfinite(limit) and limit >= 0 for limit in limits):
        problems.append(f"the stable version's latencies of {reference.p50_ms} and {reference.p99_ms} ms: left out")
        checked_one = replace(checked_one, p50_ms=None, p99_ms=None)
    return checked_one, tuple(problems)


def _checked_past(reference: Reference) -> tuple[Reference, tuple[str, ...]]:
    """The past without a minute's tallies that cannot be, which are left out of the sums too."""
    wrong = [{key: said for key, each in minute.items() if (said := _wrong(key, each))} for minute in reference.past]
    first = {key: said for of_minute in reversed(wrong) for key, said in of_minute.items()}
    if not first:
        return reference, ()
    past = tuple(
        {key: each for key, each in minute.items() if key not in of_minute}
        for minute, of_minute in zip(reference.past, wrong, strict=True)
    )
    summed = {key: sum((minute[key] for minute in past if key in minute), keys.NOTHING) for key in first}
    kept = {key: each for key, each in {**reference.tallies, **summed}.items() if each.n or key not in first}
    problems = (
        f"{key} of {counted(sum(key in each for each in wrong), 'past minute')} of the stable version {said}: left out"
        for key, said in first.items()
    )
    return replace(reference, tallies=kept, past=past), tuple(problems)
