"""The API in one process."""

from serving import api, client, config, models

__all__ = ["api", "client", "config", "models"]
