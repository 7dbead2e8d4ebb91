"""How far the accuracy of a model may fall below that on its validation records, and how labels are taken."""

from dataclasses import dataclass

from slipway.config import Config


@dataclass(frozen=True, slots=True)
class AccuracyLimits:
    """What slipway.yaml says on one model's accuracy; see `AccuracyConfig`."""

    max_drop: float
    false_alarms: float = 0.01
    representative: bool = False
    wait_hours: int = 24
    width: float = 0.02

    @classmethod
    def of(cls, config: Config, model: str) -> "AccuracyLimits":
        """The limits of one model."""
        settings = config.accuracy_of(model)
        return cls(
            max_drop=settings.allowed_drop(config.models[model].gates),
            false_alarms=settings.false_alarms,
            representative=settings.labels == "representative",
            wait_hours=settings.wait_hours,
            width=settings.width,
        )
