"""The part of slipway.yaml on what one model is monitored by, where that is not the project's `monitoring`."""

from slipway.config.accuracy import AccuracyOverrides
from slipway.config.drift import DriftOverrides
from slipway.config.validation import Section


class ModelMonitoringConfig(Section):
    """The settings of one model, in place of the project's."""

    drift: DriftOverrides = DriftOverrides()
    accuracy: AccuracyOverrides = AccuracyOverrides()
