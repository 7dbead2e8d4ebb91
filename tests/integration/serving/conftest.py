"""The API in one process."""

from support.serving import api, client, config, loaded_models

__all__ = ["api", "client", "config", "loaded_models"]
