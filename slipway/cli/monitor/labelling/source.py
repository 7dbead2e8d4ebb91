"""Where records to label are drawn from: all captures of a window, or the reservoirs of its periods."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from slipway.cli.monitor.watched import Watched
from slipway.models.prediction.labels import confidence_of
from slipway.monitoring.accuracy.drawing import Candidate
from slipway.monitoring.accuracy.drawn_captures import Kept, for_labels, for_shadow, kept_of_reservoir
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.captures.reading import CaptureReader
from slipway.monitoring.captures.reservoir_store import BucketReservoir


@dataclass(frozen=True, slots=True)
class Source:
    """The captures of one version in a window, or with ``is_reservoir`` a sample of bounded size."""

    watched: Watched
    is_reservoir: bool = False

    def for_labels(self, number: int) -> list[Candidate[Capture]]:
        """The first captures to label; raises UnavailableError."""
        return for_labels(self._kept(self._counting), number, self._probability)

    def for_shadow(self, number: int) -> list[Capture]:
        """The first captures of a simple random sample; raises UnavailableError."""
        kept, least = self._kept(self.watched.since), 1.0
        if self.is_reservoir:
            kept = list(kept)
            least = min((ceiling for _, ceiling in kept), default=1.0)
        return for_shadow(kept, number, f"{self.watched.model} shadow", least=least)

    @property
    def _counting(self) -> datetime:
        """Labels of earlier predictions count nowhere, since what was captured of them is gone."""
        kept = timedelta(days=self.watched.settings.monitoring.capture_retention_days)
        return max(self.watched.since, self.watched.until - kept)

    def _kept(self, since: datetime) -> Iterable[Kept]:
        return self._of_reservoirs(since) if self.is_reservoir else self._of_captures(since)

    def _of_captures(self, since: datetime) -> Iterator[Kept]:
        watched = self.watched
        found = CaptureReader(watched.bucket).captures(watched.model, since, watched.until)
        return ((capture, 1.0) for capture in found if capture.version == watched.version)

    def _of_reservoirs(self, since: datetime) -> Iterator[Kept]:
        watched = self.watched
        for period in BucketReservoir(watched.bucket).periods(watched.model, watched.version, since, watched.until):
            for capture, ceiling in kept_of_reservoir(period):
                if since <= capture.made_at < watched.until:
                    yield capture, ceiling

    def _probability(self, capture: Capture) -> float | None:
        calibration, score = self.watched.package.calibration, confidence_of(capture.outputs)
        if calibration is None or score is None:
            return None
        return calibration.probability(str(capture.outputs.get("label", "")), score)
