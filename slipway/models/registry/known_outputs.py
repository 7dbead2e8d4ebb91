"""The outputs that deployed versions state: those of the bundle's, and those of the registry's, read when needed."""

import logging
from collections.abc import Mapping

from slipway.errors import UnavailableError
from slipway.models.manifest import Outputs
from slipway.models.prediction.labels import stated_outputs
from slipway.models.registry.stores import VersionTable

_LOG = logging.getLogger("slipway")


class KnownOutputs:
    """Looks versions up in ``bundled``, and others in the registry's ``table``, each of them once."""

    def __init__(self, bundled: Mapping[tuple[str, int], Outputs | None], table: VersionTable) -> None:
        self._known = dict(bundled)
        self._table = table

    def get(self, version: tuple[str, int]) -> Outputs | None:
        """Return a version's outputs, or None if it states none or the registry cannot tell."""
        if version not in self._known:
            try:
                (record,) = self._table.versions(*version) or (None,)
            except UnavailableError as error:
                _LOG.warning("feedback on %s %s is not checked: %s", *version, error)
                return None
            self._known[version] = stated_outputs(record.task, record.outputs) if record else None
        return self._known[version]
