"""One pass over the releases: read, observe, decide, store, act, acknowledge.

The record is stored before any action runs. If a pass dies in between, the next one finds that the world differs from
the record and completes the work. Of two concurrent passes only one can store the record, and the other does nothing.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from slipway.errors import ConflictError, NotFoundError, SlipwayError, StaleError, UnavailableError
from slipway.releases.evidence.log_clusters import ClusterReader, CountedWindows, NoClusters
from slipway.releases.evidence.log_groups import GroupReader, NoGroups
from slipway.releases.evidence.tallies import Evidence, Observed, Reference, Window
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import HistoryEntry, OperatorOrder
from slipway.releases.record.store import ReleaseStore, is_active
from slipway.releases.strategies.actions import Action, Notify, Prepare, Retire, RunShadows, SetShares, SetStable
from slipway.releases.strategies.decide import Decision, acknowledged, decide

_LOG = logging.getLogger("slipway")
_IN_WORDS = {"promote": "promote", "rollback": "roll back"}


class Tier(Protocol):
    """Where a version runs and how traffic reaches it. Every method is idempotent."""

    def observe(self, record: ReleaseRecord, *, mend: bool = True) -> Observed:
        """The state of the world. ``mend`` also finishes the work of a dead pass and runs smoke tests."""
        ...

    def prepare(self, record: ReleaseRecord, version: int) -> None: ...
    def move(self, record: ReleaseRecord, action: SetShares) -> None: ...
    def retire(self, record: ReleaseRecord, version: int) -> None: ...


class EvidenceReader(Protocol):
    """Reads the evidence on each version. Every method raises UnavailableError if it cannot be read."""

    def windows(self, record: ReleaseRecord, now: datetime) -> tuple[Window, ...]: ...
    def reference(self, record: ReleaseRecord, now: datetime) -> Reference | None: ...
    def alarms(self, names: Sequence[str]) -> Mapping[str, bool]: ...


class Shadows(Protocol):
    """Starts and stops the scoring of captures off the live path."""

    def running(self, record: ReleaseRecord) -> frozenset[int] | None:
        """The versions that score captures now; None if resources of a finished shadow remain."""
        ...

    def run(self, record: ReleaseRecord, versions: tuple[int, ...], sample: float) -> None: ...


class Notifier(Protocol):
    """Notifies the subscribers."""

    def tell(self, record: ReleaseRecord, entries: Sequence[HistoryEntry]) -> None: ...


@dataclass(frozen=True)
class World:
    """Everything a pass reads and changes apart from the store."""

    tiers: Mapping[str, Tier]
    evidence: EvidenceReader
    shadows: Shadows
    notifier: Notifier
    clusters: ClusterReader = field(default_factory=NoClusters)
    groups: GroupReader = field(default_factory=NoGroups)


@dataclass(frozen=True, slots=True)
class PassResult:
    """The result of a pass over one release: the new record, the decision and any errors.

    ``overtaken`` means that another pass stored a newer revision and continues the release, ``was_settled`` that the
    release had ended before.
    """

    record: ReleaseRecord
    decision: Decision | None = None
    errors: tuple[str, ...] = ()
    overtaken: bool = False
    was_settled: bool = False


class Controller:
    """Advances releases by one step per call.

    Args:
        store: the store of the releases.
        world: everything that a pass reads and changes.
        clock: returns the current time.
    """

    def __init__(self, store: ReleaseStore, world: World, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._world = world
        self._clock = clock

    def tick(self, models: Iterable[str]) -> list[PassResult]:
        """Make one pass over the last release of each model; raises UnavailableError if the store is down.

        The result leaves out settled releases that the world still agrees with.
        """
        passes = [(record, self._guarded(record)) for record in self._store.current(models)]
        return [done for record, done in passes if is_active(record) or done.errors or _acted(done)]

    def order(self, model: str, order: OperatorOrder, release: str | None = None) -> PassResult:
        """Store an operator's order and carry it out without waiting for the next pass.

        Raises:
            ConflictError: the model has no active release, its release has ended, or ``release`` names another one.
            UnavailableError: the store is down. If the order was stored before that, the next pass carries it out.
        """
        while True:
            record = next(filter(is_active, self._store.current([model])), None)
            if record is None or record.phase.ended:
                raise ConflictError(
                    f"no release of {model} is under way, so there is nothing to {_IN_WORDS[order.action]}"
                )
            if release not in (None, record.id):
                raise ConflictError(f"{release} is over, and {record.id} is under way; look at that one first")
            try:
                ordered = self._store.save(record.with_order(order))
            except StaleError:
                continue  # a concurrent pass stored a newer revision; add the order to that one
            return self._carried_out(ordered)

    def _carried_out(self, record: ReleaseRecord) -> PassResult:
        """Repeat the pass until none is overtaken. A scheduled pass that overtakes it carries out the order too."""
        while (done := self._guarded(record)).overtaken:
            record = self._store.current([record.model])[0]
            if not is_active(record):
                return PassResult(record)
        return done

    def now(self) -> datetime:
        """The current time by the controller's clock."""
        return self._clock()

    def observe(self, record: ReleaseRecord) -> Evidence:
        """The evidence that a decision would use now, without side effects; raises UnavailableError."""
        return self._look(record, self._clock(), mend=False)[0]

    def _guarded(self, record: ReleaseRecord) -> PassResult:
        """Make a pass over one release, so that its failure does not affect the others."""
        try:
            done = self._pass(record)
        except StaleError as error:
            _LOG.info("release %s: %s", record.id, error)
            return PassResult(record, overtaken=True)
        except SlipwayError as error:
            if record.settled and isinstance(error, NotFoundError):
                return PassResult(record)  # the model has no slots any more
            done = PassResult(record, errors=(str(error),))
        except Exception as error:  # noqa: BLE001 - a bug in one release must not keep others from a rollback
            _LOG.exception("release %s", record.id)
            done = PassResult(record, errors=(f"{type(error).__name__}: {error}",))
        for problem in done.errors:
            _LOG.error("release %s: %s", record.id, problem)
        return done

    def _pass(self, record: ReleaseRecord) -> PassResult:
        now = self._clock()
        evidence, unseen = self._look(record, now, mend=True)
        decision = decide(record, evidence, now)
        for problem in decision.left_out:
            _LOG.warning("release %s: %s", record.id, problem)
        stored = self._store.save(decision.record) if decision.record != record else record
        if record.settled:
            _log_repairs(stored, stored.history[len(record.history) :])
        done, errors = self._act(stored, decision.actions)
        told = acknowledged(stored, done)
        after = self._store.save(told) if told != stored else stored
        return PassResult(after, decision, (*unseen, *errors), was_settled=record.settled)

    def _look(self, record: ReleaseRecord, now: datetime, *, mend: bool) -> tuple[Evidence, tuple[str, ...]]:
        """The evidence, and why parts of it are missing. An operator's order is carried out even without metrics."""
        observed = self._world.tiers[record.tier].observe(record, mend=mend)
        if record.settled:
            return Evidence(observed), ()
        observed = replace(observed, shadows=self._world.shadows.running(record))
        reader = self._world.evidence
        try:
            windows = reader.windows(record, now)
            alarms = reader.alarms(record.judge.alarms) if record.judge.alarms else {}
            reference = None if record.limits and record.capitals else reader.reference(record, now)
        except UnavailableError as error:
            return Evidence(observed), (str(error),)
        # An order does not wait for the logs, and a look without side effects starts no query of them.
        asks = mend and record.order is None and windows
        counted = self._counted(record, windows) if asks else CountedWindows(windows)
        return Evidence(observed, counted.windows, reference, alarms), counted.problems

    def _counted(self, record: ReleaseRecord, windows: tuple[Window, ...]) -> CountedWindows:
        """The windows to judge now, with the counts by bucket and by segment."""
        counted = self._world.clusters.with_clusters(record, windows)
        if not counted.windows:
            return counted
        *earlier, last = counted.windows
        return replace(counted, windows=(*earlier, self._world.groups.with_groups(record, last)))

    def _act(self, record: ReleaseRecord, actions: Iterable[Action]) -> tuple[tuple[Action, ...], list[str]]:
        """Run every action. The next pass retries an action that failed."""
        done: list[Action] = []
        errors: list[str] = []
        for action in actions:
            serving = self._store.serving([record.model], consistent=True).get(record.model)
            if serving is None or serving.revision != record.revision:
                raise StaleError(f"release {record.id} was changed by somebody else, who goes on with it")
            try:
                self._do(record, action)
            except SlipwayError as error:
                errors.append(str(error))
            else:
                done.append(action)
        return tuple(done), errors

    def _do(self, record: ReleaseRecord, action: Action) -> None:
        tier = self._world.tiers[record.tier]
        match action:
            case Prepare(version=version):
                tier.prepare(record, version)
            case SetShares():
                tier.move(record, action)
            case Retire(version=version):
                tier.retire(record, version)
            case RunShadows(versions=versions, sample=sample):
                self._world.shadows.run(record, versions, sample)
            case Notify(entries=entries):
                self._world.notifier.tell(record, entries)
            case SetStable():
                return  # the stored record already has it: see `ReleaseRecord.stable_now`


def _log_repairs(record: ReleaseRecord, entries: Iterable[HistoryEntry]) -> None:
    for entry in entries:
        _LOG.warning("release %s: %s: %s", record.id, entry.what, "; ".join(entry.evidence))


def _acted(done: PassResult) -> bool:
    return done.decision is not None and bool(done.decision.actions)


class NoShadows:
    """`Shadows` for a deployment that scores no captures."""

    def running(self, record: ReleaseRecord) -> frozenset[int]:  # noqa: ARG002 - `Shadows` requires it
        return frozenset()

    def run(self, record: ReleaseRecord, versions: tuple[int, ...], sample: float) -> None:  # noqa: ARG002 - as above
        if versions:
            raise UnavailableError("shadowing", "nothing is deployed here that scores captures")


class LogNotifier:
    """A `Notifier` that writes to the log, for deployments without a topic."""

    def tell(self, record: ReleaseRecord, entries: Sequence[HistoryEntry]) -> None:
        for entry in entries:
            _LOG.info("release %s: %s by %s; %s", record.id, entry.what, entry.by, "; ".join(entry.evidence))
