"""Find and call the user's function, named as ``module:function``. No file is unpickled."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slipway.errors import InputError


def call_entry(entry: str, option: str) -> Any:
    """Call the function without arguments; raises as `find_entry` does, and whatever the function raises."""
    return find_entry(entry, option)()


def find_entry(entry: str, option: str, folder: Path | None = None, *, advice: str = "") -> Callable[..., Any]:
    """Import the function; its module may also be in ``folder``, by default the current one.

    ``advice`` is what to do about a package that the module needs and that is not installed.

    Raises:
        InputError: there is no such module or function, or a package is missing. Errors of the user's own code are
            passed on.
    """
    module_name, colon, function_name = entry.partition(":")
    if not (module_name and colon and function_name):
        raise InputError.of(option, f"{entry!r} is not module:function, e.g. churn.train:fitted")
    module = _import(module_name, option, folder or Path.cwd(), advice)
    function = getattr(module, function_name, None)
    if not callable(function):
        raise InputError.of(option, f"{module_name} has no function {function_name}")
    found: Callable[..., Any] = function
    return found


def _import(name: str, option: str, folder: Path, advice: str) -> Any:
    here = str(folder.resolve())
    sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and not f"{name}.".startswith(f"{error.name}."):
            raise InputError.of(option, f"{name} imports {error.name}, which is not installed{advice}") from error
        raise InputError.of(option, f"module {name} is neither in {_shown(folder)} nor installed") from error
    finally:
        sys.path.remove(here)


def _shown(folder: Path) -> str:
    return "this folder" if folder.resolve() == Path.cwd() else str(folder)
