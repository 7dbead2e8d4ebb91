"""The API in one process."""

from support.serving import api, config, loaded_models

__all__ = ["api", "config", "loaded_models"]
