"""Slipway takes a trained model to production on AWS serverless.

This package's own names are what an application needs to predict in its own process::

    import slipway

    model = slipway.load("models/tweet-sentiment/3")
    model.predict([{"text": "Finally Friday!"}])

They are imported at first use, since every other part of Slipway imports this module too.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slipway.errors import GoldenError, InputError, PackageError, PredictionError, SlipwayError
    from slipway.models.embedded import Model, load

__all__ = ["GoldenError", "InputError", "Model", "PackageError", "PredictionError", "SlipwayError", "load"]

_HOMES = {"Model": "slipway.models.embedded", "load": "slipway.models.embedded"}

if not TYPE_CHECKING:  # a type checker would otherwise accept any name

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOMES.get(name, "slipway.errors")), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
