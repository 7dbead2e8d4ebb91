"""What every picture here has in common: its marks say nothing to screen readers, since its label and its table do."""

from collections.abc import Mapping
from typing import Any

SILENT: Mapping[str, Any] = {"config": {"mark": {"aria": False}}}
