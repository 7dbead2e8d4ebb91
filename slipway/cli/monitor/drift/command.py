"""`slipway monitor drift`: how far a window of captures, or a file, is from the baseline or another window."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from slipway.cli.options import AsJson, ConfigFile, print_json

VersionOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="A version. Default: the one with most records. With --file: that of a profile; of records `stable` of "
        "slipway.yaml, or the one that serves if --against is a window.",
    ),
]
WindowOption = Annotated[
    str | None, typer.Option(help="24h, 7d, or START/END. Default: the last `drift.window_hours` hours.")
]
AgainstOption = Annotated[str, typer.Option(help="`baseline`, or a window: a span ends where the other begins.")]
FileOption = Annotated[
    Path | None, typer.Option(help="A file of records or a batch job's profile (.json) in place of a window.")
]
PlotOption = Annotated[Path | None, typer.Option(help="Plot the columns that moved most: .svg, .png or .pdf.")]
BASELINE = "baseline"


def drift(
    model: str,
    *,
    version: VersionOption = None,
    window: WindowOption = None,
    against: AgainstOption = BASELINE,
    file: FileOption = None,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
    plot: PlotOption = None,
) -> None:
    """Show how far inputs and outputs have drifted, in order of effect."""
    # Every command loads this module, and only this one needs NumPy and botocore.
    from slipway.cli.monitor.drift.plot import plot_drift
    from slipway.cli.monitor.drift.report import print_drift
    from slipway.cli.monitor.drift.window import Asked, compared

    found = compared(Asked.of(config, model, version, window=window, against=against, file=file, now=datetime.now(UTC)))
    if plot is not None:
        plot_drift(found, plot)
    if as_json:
        print_json(found.document)
        return
    console = Console()
    print_drift(console, found)
    if plot is not None:
        console.print(f"Plotted in {plot}", soft_wrap=True, markup=False)
