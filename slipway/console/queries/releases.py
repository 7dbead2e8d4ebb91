"""What the page of a release shows: the release as it is, why it ended, what it will find out, and what came before."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from slipway.cli.release.foresight import Foresight, foresee, foresee_at_rates, is_judged
from slipway.cli.release.live import Look, live_shares, look
from slipway.cli.release.orders import planned_record
from slipway.console.workspace import Workspace
from slipway.errors import NotFoundError, UnavailableError
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import HistoryEntry, Phase
from slipway.releases.record.plan import PlanStep, plan
from slipway.releases.record.request import ReleaseRequest
from slipway.releases.statistics.judge import Finding

_OF_THE_START = {"id", "started_at", "started_by", "reason", "phase_since", "judged_until", "history"}
"""The fields that differ between two starts of the same plan."""
_ORDER = (Phase.PENDING, Phase.PREPARING, Phase.RUNNING, Phase.BAKING)


@dataclass(frozen=True, slots=True)
class Planned:
    """A release that is not started yet: its record, its steps, and what it will find out and when."""

    record: ReleaseRecord
    steps: tuple[PlanStep, ...]
    foresight: Foresight

    @property
    def tag(self) -> str:
        """The tag of what the plan decides."""
        return tag_of(self.record)


@dataclass(frozen=True, slots=True)
class Passed:
    """A phase on the way of a release: when it began, and whether it is the present one or still to come."""

    phase: Phase
    since: datetime | None
    current: bool


def latest_release(workspace: Workspace, model: str) -> ReleaseRecord | None:
    """The latest release of a model, active or not; None if it never had one."""
    return next(iter(workspace.store().current([model])), None)


def look_at(workspace: Workspace, record: ReleaseRecord) -> Look:
    """The release with the evidence and the verdict of now; of one that has ended, only the shares."""
    if record.settled:
        return Look(record, live_shares(workspace.releases(), record))
    return look(record, workspace.controller())


def foreseen(workspace: Workspace, record: ReleaseRecord) -> Foresight | None:
    """What a release that is under way will find out, and when; None of one that has ended."""
    return foresee(record, workspace.evidence(), workspace.clock()) if is_judged(record) else None


def planned(workspace: Workspace, request: ReleaseRequest) -> Planned:
    """Plan a release as `slipway release start --dry-run` does; raises as `planned_record`."""
    config = workspace.config()
    try:
        target, why = workspace.releases(), ""
    except (NotFoundError, UnavailableError) as error:
        target, why = None, str(error)
    record = planned_record(workspace.config_file, config, target, request)
    steps = plan(record.options, record.judge, tier=record.tier, stable=record.stable, candidates=record.candidates)
    if target is None:
        seen = foresee_at_rates(record, f"The traffic is unknown: {why}")
    else:
        seen = foresee(record, workspace.evidence(), workspace.clock())
    return Planned(record, tuple(steps), seen)


def tag_of(record: ReleaseRecord) -> str:
    """A digest of what a plan decides: the same again, unless slipway.yaml or the stable version has changed."""
    return sha256(record.model_dump_json(exclude=_OF_THE_START).encode()).hexdigest()


def phases(record: ReleaseRecord) -> Iterator[Passed]:
    """The way of a release: the phases that it was in, and those before its end that are still to come."""
    began: dict[Phase, datetime] = {}
    for entry in record.history:
        began.setdefault(entry.phase, entry.at)
    ahead = () if record.phase.ended else _ORDER[_ORDER.index(record.phase) + 1 :]
    ended = (record.phase,) if record.phase.ended else ()
    for phase in (*(each for each in _ORDER if each in began or each in ahead), *ended):
        yield Passed(phase, began.get(phase), phase is record.phase)


def ending(record: ReleaseRecord) -> HistoryEntry | None:
    """The entry that says why a release ended as it did; None while it is under way."""
    if not record.phase.ended:
        return None
    return next((entry for entry in record.history if entry.phase is record.phase), None)


def findings(seen: Look) -> tuple[Finding, ...]:
    """The rows of the verdict that have outcomes to tell of."""
    if seen.decision is None or seen.decision.verdict is None:
        return ()
    return tuple(finding for finding in seen.decision.verdict.findings if finding.candidate_n)


def shares_of(seen: Look) -> Mapping[int, tuple[float, float | None]]:
    """The share that each version should have, and the one that it has, if that is known."""
    live = seen.shares
    return {
        version: (share, None if live is None else live.get(version, 0.0))
        for version, share in seen.record.weights.items()
    }


def rollback_sentences(record: ReleaseRecord) -> list[str]:
    """What a rollback will do."""
    gone = ", ".join(f"version {v} ({100 * record.weights[v]:g} % now)" for v in record.candidates)
    said = [f"All traffic of {record.model} goes back to version {record.stable} at once.", f"None is left to {gone}."]
    if record.tier == "heavy":
        said.append("The tasks of the candidate's slot are stopped once they have no traffic.")
    said.append("The release ends as rolled back, with your name and reason in its history. It cannot be resumed.")
    return said


def promotion_sentences(record: ReleaseRecord, verdict: str | None) -> list[str]:
    """What a promotion will do."""
    winner = record.winner or max(record.candidates, key=lambda version: record.weights[version])
    judged = f"The judge is not asked. What it says now: {verdict}." if verdict else "The judge is not asked."
    if record.phase is Phase.BAKING:
        return [
            f"Version {winner}, which has all traffic, becomes the stable version of {record.model}.",
            f"Version {record.stable} does not stay warm any longer; a new release leads back to it.",
            judged,
        ]
    return [
        f"Version {winner} of {record.model} gets all traffic: {100 * record.weights[winner]:g} % now, then 100 %.",
        f"Version {record.stable} gets none, but stays warm until the bake is over, so that one step leads back.",
        judged,
        "Your name and reason stand in the history.",
    ]
