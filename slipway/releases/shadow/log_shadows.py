"""Start and stop the function that scores captures for shadows.

The function reads the versions to score from the model's item `serving`, which is written with the record. Starting and
stopping it therefore only means to deliver captures to it while a release needs them.
"""

from typing import Protocol

from slipway.config.releases.options import Shadow
from slipway.config.releases.shadow import ShadowNames
from slipway.errors import InputError, UnavailableError
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.routing.serving import ServingStore


class LogFilters(Protocol):
    """The filters that deliver the captures of a log group to a function."""

    def function(self, group: str) -> str | None: ...
    def put(self, group: str, function: str) -> None: ...
    def delete(self, group: str) -> None: ...


def check_deployed(names: ShadowNames | None, model: str) -> None:
    """Check that a function that scores the model's captures is deployed; raises InputError."""
    if names is None or model not in names.logs:
        message = f"shadow cannot be started: nothing is deployed that scores captures of {model}; deploy first"
        raise InputError.of("strategy", message)


class LogShadows:
    """`Shadows` that read captures from logs.

    Args:
        names: the deployed function and log groups.
        filters: the subscription filters of log groups.
        releases: the serving store, for models that share a log group.
    """

    def __init__(self, names: ShadowNames, filters: LogFilters, releases: ServingStore) -> None:
        self._names = names
        self._filters = filters
        self._releases = releases

    def running(self, record: ReleaseRecord) -> frozenset[int] | None:
        if not isinstance(record.options, Shadow):
            return frozenset()
        function = self._filters.function(self._group(record))
        if record.shadowing is not None:
            return frozenset(record.candidates) if function == self._names.function else frozenset()
        return None if function and not self._others(record) else frozenset()

    def run(self, record: ReleaseRecord, versions: tuple[int, ...], sample: float) -> None:  # noqa: ARG002 - stored
        group = self._group(record)
        if versions:
            self._filters.put(group, self._names.function)
        elif not self._others(record):
            self._filters.delete(group)

    def _group(self, record: ReleaseRecord) -> str:
        group = self._names.logs.get(record.model)
        if group is None:
            raise UnavailableError("shadowing", f"the log group with the captures of {record.model} is not known here")
        return group

    def _others(self, record: ReleaseRecord) -> bool:
        """Whether another model with captures in the same log group is shadowed."""
        group = self._group(record)
        models = [model for model, logs in self._names.logs.items() if logs == group and model != record.model]
        serving = self._releases.serving(models, consistent=True)
        return any(each.shadowing is not None for each in serving.values())
