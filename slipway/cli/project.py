"""slipway.yaml as a command reads it: in the environment that ``--environment`` names."""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any

import typer

from slipway.config import Config, read_project
from slipway.config.overrides import LOCAL

LOCAL_STATE = Path(".slipway/local.json")
EnvironmentName = Annotated[
    str | None,
    typer.Option(
        "--environment", envvar="SLIPWAY_ENVIRONMENT", help="An environment of slipway.yaml. Default: none of them."
    ),
]
_READS_PROJECT = {"config", "api"}
"""The parameters of commands that read slipway.yaml."""
_chosen: ContextVar[str | None] = ContextVar("environment", default=None)
_state: ContextVar[Path] = ContextVar("state", default=LOCAL_STATE)


def chosen_environment() -> str | None:
    """The environment that the running command was given, or None."""
    return _chosen.get()


def local_state() -> Path:
    """The file that describes the embedded AWS, whether it is there or not."""
    return _state.get()


@contextmanager
def local_state_in(folder: Path | None) -> Iterator[None]:
    """Find the embedded AWS by the state in another folder than ``.slipway``, as `slipway local --state` keeps it."""
    token = _state.set(LOCAL_STATE if folder is None else folder / LOCAL_STATE.name)
    try:
        yield
    finally:
        _state.reset(token)


def embedded_aws() -> bool:
    """Whether the command goes to the embedded AWS: it is up, and no other environment was chosen."""
    return chosen_environment() in (None, LOCAL) and local_state().exists()


def load_project(config: Path) -> Config:
    """Read slipway.yaml in the chosen environment.

    By default it is `local` while the embedded AWS is up, since commands then go there. Raises as `load_config` does.
    """
    project = read_project(config)
    return project.config(chosen_environment() or (project.local if embedded_aws() else None))


def offer_environment(app: typer.Typer) -> None:
    """Give every command that reads slipway.yaml the option ``--environment``."""
    for command in app.registered_commands:
        if command.callback and _READS_PROJECT & inspect.signature(command.callback).parameters.keys():
            command.callback = _with_environment(command.callback)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            offer_environment(group.typer_instance)


def _with_environment(command: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(command)
    def run(*given: Any, environment: str | None = None, **options: Any) -> Any:
        token = _chosen.set(environment)
        try:
            return command(*given, **options)
        finally:
            _chosen.reset(token)

    signature = inspect.signature(command)
    option = inspect.Parameter("environment", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=EnvironmentName)
    run.__signature__ = signature.replace(parameters=[*signature.parameters.values(), option])  # type: ignore[attr-defined]
    run.__annotations__ = {**command.__annotations__, "environment": EnvironmentName}
    return run
