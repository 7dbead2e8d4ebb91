"""The API in one process."""

from support.serving import api, client, config, models

__all__ = ["api", "client", "config", "models"]
