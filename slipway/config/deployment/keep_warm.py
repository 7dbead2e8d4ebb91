"""What keeps an idle project warm: AWS takes out of service what nobody has called for weeks."""

from collections.abc import Mapping

KEEP_WARM: Mapping[str, str] = {"slipway": "keep warm"}
"""The event of a scheduled call that serves nobody; functions return at once and record nothing."""

LINK_PATH = "/slipway/link"
"""The API's path to the load balancer alone, which answers 200 without asking a task."""
