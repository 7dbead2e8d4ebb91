"""`slipway monitor acknowledge`: what has drifted, or how accurate the model is now, is the new normal."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer
from rich.console import Console

from slipway.cli.monitor.drift.command import WindowOption
from slipway.cli.monitor.watched import watch
from slipway.cli.options import AsJson, ConfigFile, print_json
from slipway.errors import InputError

VersionOption = Annotated[
    int | None,
    typer.Option(min=1, help="A version. Default: the one with most records; with --accuracy, the one that serves."),
]
ColumnsOption = Annotated[
    list[str] | None, typer.Option("--columns", help="Columns, by commas. Default: those that have drifted.")
]
BackOption = Annotated[bool, typer.Option("--baseline", help="Compare with the baseline again.")]
AccuracyOption = Annotated[
    bool, typer.Option("--accuracy", help="The accuracy of now is normal. Default window: since what raised the alarm.")
]


class _Done(Protocol):
    @property
    def sentence(self) -> str: ...

    @property
    def document(self) -> dict[str, Any]: ...


def acknowledge(
    model: str,
    *,
    accuracy: AccuracyOption = False,
    version: VersionOption = None,
    columns: ColumnsOption = None,
    window: WindowOption = None,
    baseline: BackOption = False,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Compare drifted columns, or accuracy, with what they are now, instead of with the baseline."""
    named = [name.strip() for each in columns or () for name in each.split(",") if name.strip()]
    if accuracy and named:
        raise InputError.of("--columns", "is for drift; accuracy has no columns")
    done: _Done
    if accuracy:
        done = _acknowledge_accuracy(config, model, version, window, baseline=baseline)
    else:
        done = _acknowledge_drift(config, model, version, window, named, baseline=baseline)
    if as_json:
        print_json(done.document)
        return
    Console().print(done.sentence, soft_wrap=True, markup=False)


def _acknowledge_drift(
    config: Path, model: str, version: int | None, window: str | None, columns: list[str], *, baseline: bool
) -> _Done:
    from slipway.cli.monitor.acknowledging import Change, change_references  # imports botocore

    now = datetime.now(UTC)
    return change_references(
        Change.of(config, model, version, window=window, columns=columns, baseline=baseline, now=now)
    )


def _acknowledge_accuracy(
    config: Path, model: str, version: int | None, window: str | None, *, baseline: bool
) -> _Done:
    from slipway.cli.monitor.acknowledging_accuracy import acknowledge_accuracy, return_to_sealed

    watched = watch(config, model, version, window or "24h")
    if baseline:
        return return_to_sealed(watched)
    return acknowledge_accuracy(watched, since=None if window is None else watched.since)
