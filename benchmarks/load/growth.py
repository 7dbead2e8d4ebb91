"""Whether a process grows: a robust slope of its memory, beside a bound."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from statistics import median

MIB = 1024 * 1024
# The first half is left out: caches fill, pools open, and the allocator's heap comes to fit the largest requests.
_SETTLING = 1 / 2
_LEAST_SECONDS = 90.0
_LEAST_SAMPLES = 12


@dataclass(frozen=True, slots=True)
class Sample:
    """A process at a time: resident bytes, and the processor seconds that it has used since its start."""

    at: float
    resident: int
    processor: float


class Verdict(StrEnum):
    """What the samples of a process say, from the least to the most alarming."""

    TOO_SHORT = "too short to tell"
    STEADY = "steady"
    GROWS = "grows"


@dataclass(frozen=True)
class Memory:
    """A process's memory in MiB, and its slope in MiB a minute, which is None if it was seen too briefly."""

    start: float
    middle: float
    end: float
    peak: float
    slope: float | None
    verdict: Verdict


def memory(samples: Sequence[Sample], bound: float) -> Memory:
    """Judge at least one sample by a bound in MiB a minute."""
    resident = [each.resident / MIB for each in samples]
    slope = growth(samples)
    verdict = Verdict.TOO_SHORT if slope is None else Verdict.GROWS if slope > bound else Verdict.STEADY
    return Memory(resident[0], resident[len(resident) // 2], resident[-1], max(resident), slope, verdict)


def growth(samples: Sequence[Sample]) -> float | None:
    """The Theil–Sen slope of the settled samples in MiB a minute: the median of the slopes of all pairs.

    A third of the samples may be outliers, e.g. the peaks of large requests, without an effect on it.
    """
    begun, ended = samples[0].at, samples[-1].at
    settled = [each for each in samples if each.at >= begun + _SETTLING * (ended - begun)]
    if len(settled) < _LEAST_SAMPLES or ended - settled[0].at < _LEAST_SECONDS:
        return None
    pairs = combinations(settled, 2)
    return median(60 * (later.resident - first.resident) / MIB / (later.at - first.at) for first, later in pairs)
