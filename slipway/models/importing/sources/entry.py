"""The user's own function, named as ``module:function``. A file is never unpickled."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slipway.errors import InputError


def call_entry(entry: str, option: str) -> Any:
    """Call the function with no arguments; raises as `find_entry` does, and what the function itself raises."""
    return find_entry(entry, option)()


def find_entry(entry: str, option: str) -> Callable[..., Any]:
    """The function; its module is looked for in the current folder too.

    Raises:
        InputError: there is no such module or function. What importing the user's own code raises is left as it is.
    """
    module_name, colon, function_name = entry.partition(":")
    if not (module_name and colon and function_name):
        raise InputError.of(option, f"{entry!r} is not module:function, e.g. churn.train:fitted")
    module = _import(module_name, option)
    function = getattr(module, function_name, None)
    if not callable(function):
        raise InputError.of(option, f"{module_name} has no function {function_name}")
    found: Callable[..., Any] = function
    return found


def _import(name: str, option: str) -> Any:
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and not name.startswith(error.name):
            raise InputError.of(option, f"{name} imports {error.name}, which is not installed") from error
        raise InputError.of(option, f"there is no module {name} in this folder or installed") from error
    finally:
        sys.path.remove(here)
