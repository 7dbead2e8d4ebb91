"""Score records with one shadow version, in a thread of its own."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Protocol

from slipway.models.manifest import Record

Output = Mapping[str, Any]


class LoadedVersion(Protocol):
    """A loaded version, such as `slipway.models.prediction.predictor.Predictor`."""

    def predict(self, records: Sequence[Record]) -> Sequence[Output]: ...


@dataclass(frozen=True, slots=True)
class Score:
    """A version's result for one record; ``output`` is None if it failed, and ``problem`` says why."""

    milliseconds: float = 0.0
    output: Output | None = None
    problem: str = ""


class Scorer:
    """A version in its own thread, so that a hanging version delays no other.

    The version is loaded on first use, and loading does not count toward its latency.

    Args:
        load: loads the version. If it fails, the record fails too, and the next record retries it.
        name: the name of the thread.
    """

    def __init__(self, load: Callable[[], LoadedVersion], name: str) -> None:
        self._load = load
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._opening: Future[LoadedVersion] | None = None
        self._scoring: Future[Score] | None = None

    def score(self, record: Record, seconds: float) -> Score | None:
        """Score a record. A version that gives no answer within ``seconds`` has failed.

        None if the version was not asked, because it is still loading or busy with an earlier record.
        """
        if self._scoring is not None and not self._scoring.done():
            return None
        if self._opening is None:
            self._opening = self._thread.submit(self._load)
        if not wait([self._opening], seconds).done:
            return None
        if (error := self._opening.exception()) is not None:
            self._opening = None
            return _failure(error)
        self._scoring = self._thread.submit(_scored, self._opening.result(), record)
        if not wait([self._scoring], seconds).done:
            return Score(problem=f"no answer in {seconds:.1f} s")
        error = self._scoring.exception()
        return self._scoring.result() if error is None else _failure(error)

    def close(self) -> None:
        """Release the version; a hanging call continues until the process ends."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _scored(version: LoadedVersion, record: Record) -> Score:
    started = time.perf_counter()
    (output,) = version.predict([record])
    return Score(round((time.perf_counter() - started) * 1000, 3), output)


def _failure(error: BaseException) -> Score:
    return Score(problem=f"{type(error).__name__}: {error}")
