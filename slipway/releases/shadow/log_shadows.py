"""Puts the function that scores for shadows to work, and takes it off again.

What it scores is in the item `serving` of the model, which is written with the record. So there is one thing to do: see
that the function is handed the captures as long as any release wants that, and no longer.
"""

from typing import Protocol

from slipway.config.releases import Shadow
from slipway.config.shadow import ShadowNames
from slipway.errors import InputError, UnavailableError
from slipway.releases.record.document import ReleaseRecord
from slipway.releases.routing.serving import ServingStore


class LogFilters(Protocol):
    """The filters that hand a function the captures of a log group."""

    def function(self, group: str) -> str | None: ...
    def put(self, group: str, function: str) -> None: ...
    def delete(self, group: str) -> None: ...


def check_deployed(names: ShadowNames | None, model: str) -> None:
    """Whether anything scores captures of a model where a release is to start; raises InputError."""
    if names is None or model not in names.logs:
        message = f"shadow cannot be started: nothing is deployed that scores captures of {model}; deploy first"
        raise InputError.of("strategy", message)


class LogShadows:
    """`Shadows` that read captures from logs.

    Args:
        names: what is deployed.
        filters: the filters of log groups.
        releases: what serves, for models whose captures are in the same log group.
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
        """Whether another model whose captures are in the same log group is shadowed."""
        group = self._group(record)
        models = [model for model, logs in self._names.logs.items() if logs == group and model != record.model]
        serving = self._releases.serving(models, consistent=True)
        return any(each.shadowing is not None for each in serving.values())
