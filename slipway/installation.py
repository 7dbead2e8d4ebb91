"""Where Slipway's own files lie: side by side in a checkout, or inside the package where a wheel was installed."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
"""The folder of the package `slipway`."""

_CARRIED = PACKAGE / "_app"


def is_installed() -> bool:
    """Whether this is an installed wheel, whose files may be read-only, and not a checkout."""
    return _CARRIED.is_dir()


def application_folder() -> Path:
    """The folder of infra/, functions/, container/ and local/: the checkout, or the one that a wheel carries."""
    return _CARRIED if is_installed() else PACKAGE.parent
