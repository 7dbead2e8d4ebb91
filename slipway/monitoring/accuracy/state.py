"""The state of the monitor's step `accuracy`, as a JSON object."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np

from slipway.monitoring.accuracy.evidence import WEIGHTS, Evidence, Hour, Stream

_DIGITS = 6


@dataclass(frozen=True, slots=True)
class AccuracyState:
    """What the step knows after a period.

    ``calibration`` is the digest of the calibration that the evidence is of, and ``normal`` that of what was
    acknowledged, which is empty while accuracy is compared with the validation records. ``hours`` are the last captures
    by hour. Labels of feedback were bet on before the hour ``bet_until``, and drawn labels if their id is among
    ``seen``. ``alarmed`` is the period in which accuracy was found to have fallen, ``told`` when it was last told.
    """

    calibration: str
    evidence: Evidence = field(default_factory=Evidence.none)
    hours: Mapping[datetime, Hour] = field(default_factory=dict)
    bet_until: datetime | None = None
    seen: frozenset[str] = frozenset()
    alarmed: datetime | None = None
    normal: str = ""
    told: datetime | None = None

    def dump(self) -> dict[str, Any]:
        """Convert for JSON."""
        return {
            "calibration": self.calibration,
            "streams": {name: _dump(stream) for name, stream in self.evidence.streams.items()},
            "hours": {
                hour.isoformat(): [each.records, each.scored, each.expected] for hour, each in self.hours.items()
            },
            "bet_until": None if self.bet_until is None else self.bet_until.isoformat(),
            "seen": sorted(self.seen),
            "alarmed": None if self.alarmed is None else self.alarmed.isoformat(),
            "normal": self.normal,
            "told": None if self.told is None else self.told.isoformat(),
        }

    @classmethod
    def load(cls, stored: Mapping[str, Any] | None, calibration: str, normal: str = "") -> "AccuracyState":
        """Convert back; evidence of another calibration is dropped, since its line was another one.

        So is the evidence, with its alarm, once something else is normal. The labels that were bet on stay known.
        """
        if stored is None or stored["calibration"] != calibration:
            return cls(calibration, normal=normal)
        found = cls._loaded(stored, calibration)
        if found.normal == normal:
            return found
        return replace(found, evidence=Evidence.none(), alarmed=None, told=None, normal=normal)

    @classmethod
    def _loaded(cls, stored: Mapping[str, Any], calibration: str) -> "AccuracyState":
        return cls(
            calibration,
            Evidence({name: _load(stored["streams"][name]) for name in WEIGHTS}),
            {datetime.fromisoformat(hour): Hour(*sums) for hour, sums in stored["hours"].items()},
            _time(stored["bet_until"]),
            frozenset(stored["seen"]),
            _time(stored["alarmed"]),
            stored.get("normal", ""),
            _time(stored.get("told")),
        )


def _dump(stream: Stream) -> dict[str, Any]:
    capital = [round(float(each), _DIGITS) for each in stream.capital]
    return {"capital": capital, "seen": list(stream.seen), "run": list(stream.run)}


def _load(stored: Mapping[str, Any]) -> Stream:
    (n, total), (run_n, run_total) = stored["seen"], stored["run"]
    return Stream(np.array(stored["capital"], dtype=float), (n, total), (run_n, run_total))


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
