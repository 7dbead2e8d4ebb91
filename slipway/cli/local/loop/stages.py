"""The stages of the loop: until a retrained version is released, until it is promoted, and until poison is stopped."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count, cycle, takewhile

from slipway.cli.local.loop.days import Day, every
from slipway.cli.local.loop.news import News
from slipway.cli.local.loop.traffic import Traffic
from slipway.cli.local.loop.world import World
from slipway.errors import TrainingError
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.record.phases import Phase as ReleasePhase
from slipway.training.account.progress import Phase, Progress

LEARNED, CANARY, CALM, POISONED = (4, 5, 6, 7), (8, 9), (10,), (11, 12)
"""The months of each stage. Version 1 learned from January to March."""

_EVERY_DAY = 5
_BLOCK_HOURS = 3
_CANARY_SHARE = 0.5
_CALM_PART = 0.4
"""The part of the labels of a run that come before the poison, so that no run starts between them."""

_POLL_SECONDS = 1.0
# A run that an alarm has started is in the table some seconds later, and an alarm comes some seconds after its labels.
_IDLE_LOOKS = 8
_ALARM_LOOKS = 40
_WAIT_SECONDS = 600.0


@dataclass
class Stages:
    """Plays the months of a recording.

    Args:
        world: the embedded AWS.
        traffic: sends a day.
        news: tells what has happened.
        days: the days of each month.
        least: how many new labels a run needs.
    """

    world: World
    traffic: Traffic
    news: News
    days: Mapping[int, Sequence[Day]]
    least: int
    _played: Counter[int] = field(default_factory=Counter)

    def learn(self) -> Progress:
        """Play months with all their labels until a run has released a version.

        An alarm starts the run. One that comes before there are labels enough starts none that goes far, and another
        may not come: then a person starts it.

        Raises:
            TrainingError: no version passed the gates.
        """
        for number in LEARNED:
            for day in self._some(number):
                self._play(day.in_blocks(_BLOCK_HOURS), number, share=1, seconds=2.5)
                if (released := self._ended(Phase.RELEASED)) is not None:
                    self.news.month(self.traffic.ledger.month(number))
                    return self._learned(released)
            self.news.month(self.traffic.ledger.month(number))
        return self._learned(self._await_run(Phase.RELEASED, lambda: bool(self.news.inaccurate)))

    def release(self) -> ReleaseRecord:
        """Play months, of which a part has labels, until the release has ended, and one month more.

        Raises:
            TrainingError: the judge rolled it back, or has not decided in time.
        """
        deadline = time.monotonic() + _WAIT_SECONDS
        for number in takewhile(lambda _: time.monotonic() < deadline, chain(CANARY, cycle(CANARY[-1:]))):
            for day in self._unplayed(number):
                self._play(day, number, share=self._canary_share(), seconds=4)
                if (ended := self._settled()) is not None:
                    self.news.month(self.traffic.ledger.month(number))
                    self._calm()
                    return ended
            self.news.month(self.traffic.ledger.month(number))
        raise TrainingError("the release did not end in time")

    def poison(self) -> Progress:
        """Play months whose labels are the opposite until a run on them has ended.

        Raises:
            TrainingError: there was none.
        """
        before = {run.run.id for run in self.world.runs()}
        for number in POISONED:
            for day in every(self.days[number], _EVERY_DAY):
                self._play(day.in_blocks(_BLOCK_HOURS), number, share=1, seconds=1, poisoned=True)
                if (ended := self._ended(Phase.REFUSED, Phase.RELEASED, but=before)) is not None:
                    self.news.month(self.traffic.ledger.month(number))
                    return ended
                if self.traffic.new_labels >= self.least:
                    self.news.month(self.traffic.ledger.month(number))
                    return self._await_run(Phase.REFUSED, self._knows_of_poison, Phase.RELEASED, but=before)
            self.news.month(self.traffic.ledger.month(number))
        raise TrainingError("no run ended on the poisoned labels")

    def _canary_share(self) -> float:
        return _CANARY_SHARE if self.traffic.new_labels < _CALM_PART * self.least else 0.0

    def _learned(self, run: Progress) -> Progress:
        self.traffic.learned = run.data.rows if run.data else 0
        return run

    def _some(self, number: int) -> Sequence[Day]:
        return self.days[number][::_EVERY_DAY]

    def _unplayed(self, number: int) -> Sequence[Day]:
        """Every fifth day, and when the month is played again, the days after those."""
        times = self._played[number]
        self._played[number] += 1
        return self.days[number][times % _EVERY_DAY :: _EVERY_DAY]

    def _play(self, day: Day, number: int, *, share: float, seconds: float, poisoned: bool = False) -> None:
        self.traffic.ledger.at = number + (day.date.day - 1) / len(self.days[number])
        self.traffic.play(day, share=share, seconds=seconds, poisoned=poisoned)
        self.news.look()

    def _calm(self) -> None:
        """Play a month that the new version answers alone."""
        for number in CALM:
            for day in self._some(number):
                self._play(day.in_blocks(_BLOCK_HOURS), number, share=self._canary_share(), seconds=1)
            self.news.month(self.traffic.ledger.month(number))

    def _settled(self) -> ReleaseRecord | None:
        release = self.world.release()
        if release is None or not release.settled:
            return None
        self.news.look()
        if release.phase is not ReleasePhase.PROMOTED:
            raise TrainingError(f"version {release.candidates[0]} was not promoted: {release.history[-1].what}")
        return release

    def _ended(self, *phases: Phase, but: set[str] | frozenset[str] = frozenset()) -> Progress | None:
        """A run that has ended in one of the phases; whatever it did since the last look is told first."""
        ended = next((run for run in self.world.runs() if run.phase in phases and run.run.id not in but), None)
        if ended is not None:
            self.news.look()
        return ended

    def _knows_of_poison(self) -> bool:
        release = self.world.release()
        return release is not None and release.stable_now in self.news.inaccurate

    def _await_run(
        self, phase: Phase, alarmed: Callable[[], bool], *others: Phase, but: set[str] | frozenset[str] = frozenset()
    ) -> Progress:
        """Wait for the alarm, then for a run that ends in a phase; if no alarm has started one, start it by hand."""
        idle = 0
        for looks in self._looks():
            if (ended := self._ended(phase, *others, but=but)) is not None:
                return ended
            runs = [run for run in self.world.runs() if run.run.id not in but]
            if runs and runs[-1].run.trigger.kind == "hand" and runs[-1].phase.ended:
                raise TrainingError(f"the run ended otherwise than it should: {runs[-1].phase}, {runs[-1].what}")
            idle = 0 if any(not run.phase.ended for run in runs) else idle + 1
            if idle >= _IDLE_LOOKS and (alarmed() or looks >= _ALARM_LOOKS):
                idle = 0
                self.news.say(f"There are {self.least:,} new labels now and no further alarm: a run is started by hand")
                self.world.start_run("the alarms stand, and there are labels enough now")
        raise TrainingError("no run ended in time")

    def _looks(self) -> Iterator[int]:
        """Look again and again, for as long as a run may take, and count the looks."""
        deadline = time.monotonic() + _WAIT_SECONDS
        for number in count():
            if time.monotonic() > deadline:
                return
            self.news.look()
            yield number
            time.sleep(_POLL_SECONDS)
