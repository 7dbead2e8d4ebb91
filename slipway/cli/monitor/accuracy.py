"""`slipway monitor accuracy`: how often a version is right, before labels come and by them."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from slipway.cli.monitor.watched import Span, VersionOption, Watched, watch
from slipway.cli.options import AsJson, ConfigFile, print_json

if TYPE_CHECKING:
    from slipway.monitoring.accuracy.summary import Summary

Segment = Annotated[str | None, typer.Option(help="Show one input of `release.segments` only. Default: all of them.")]
Plot = Annotated[Path | None, typer.Option(help="Also plot the hours to this .pdf, .png or .svg file.")]


def accuracy(
    model: Annotated[str, typer.Argument(help="The model, e.g. tweet-sentiment.")],
    *,
    version: VersionOption = None,
    window: Span = "7d",
    segment: Segment = None,
    plot: Plot = None,
    config: ConfigFile = Path("slipway.yaml"),
    as_json: AsJson = False,
) -> None:
    """Show the accuracy of a version's captures: estimated, corrected by labels, and from labels."""
    # Every command loads this module, and only this one needs NumPy and botocore.
    from slipway.cli.monitor.accuracy_report import print_accuracy

    watched = watch(config, model, version, window)
    known = known_accuracy(watched, segment)
    found, alarmed = known.summary, known.alarmed
    if plot is not None:
        from slipway.cli.monitor.accuracy_plot import plot_accuracy

        plot_accuracy(found, plot, title=f"{model} {watched.version}")
    if as_json:
        head = {"model": model, "version": watched.version, "since": watched.since.isoformat()}
        print_json({**head, "until": watched.until.isoformat(), "alarmed": alarmed, **asdict(found)})
    else:
        print_accuracy(Console(), f"{model} {watched.version}, the last {window}", found, alarmed)


@dataclass(frozen=True, slots=True)
class KnownAccuracy:
    """What is known of a version's accuracy, and the period in which an alarm was raised, if one was."""

    summary: "Summary"
    alarmed: str | None


def known_accuracy(watched: Watched, segment: str | None = None) -> KnownAccuracy:
    """Read and summarize a window; raises NotFoundError for another ``segment``, PackageError and UnavailableError."""
    from slipway.cli.monitor.acknowledging_accuracy import alarm_of
    from slipway.monitoring.accuracy.normal import BucketNormals
    from slipway.monitoring.accuracy.summary import summarize
    from slipway.monitoring.profiles.store import BucketProfiles

    model, version = watched.model, watched.version
    groups, package = watched.groups(segment), watched.package
    profiles = BucketProfiles(watched.bucket).read(model, version, watched.since, watched.until)
    labelled = watched.labels.labelled(model, watched.since, watched.until)
    own = [each for each in labelled if each.version == version]
    normal = BucketNormals(watched.bucket).read(model, version)
    found = summarize(package, profiles, own, watched.limits, groups, normal=normal)
    since = alarm_of(watched, normal)
    return KnownAccuracy(found, None if since is None else since.isoformat())
