"""Read what `slipway monitor drift` compares: a window or a file, and the baseline or another window."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from slipway.cli.monitor.drift.report import Compared
from slipway.cli.monitor.drift_source import MonitoredModel
from slipway.errors import InputError
from slipway.models.package import Package
from slipway.monitoring.drift.report import Line, lines_against, lines_of_window
from slipway.monitoring.drift.windows import Window, window_of
from slipway.monitoring.profiles.bins import bins_of
from slipway.monitoring.profiles.profile import Profile, load_profile
from slipway.monitoring.profiles.tables import profile_file

_BASELINE = "baseline"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a command names: ``against`` is None for the baseline, and ``file`` stands in place of the window."""

    model: MonitoredModel
    version: int | None
    window: Window
    against: Window | None
    file: Path | None

    @classmethod
    def of(
        cls,
        config: Path,
        model: str,
        version: int | None,
        *,
        window: str | None,
        against: str,
        file: Path | None,
        now: datetime,
    ) -> "Asked":
        """Raise ConfigError, NotFoundError, or InputError for a window that cannot be read."""
        if file is not None and window is not None:
            raise InputError.of("--window", "is the file: leave out one of --window and --file")
        found = MonitoredModel.of(config, model)
        span = window_of(window or f"{found.settings.window_hours}h", until=now, option="--window")
        until = now if file is not None else span.since
        other = None if against == _BASELINE else window_of(against, until=until, option="--against")
        return cls(found, version, span, other, file)


def compared(asked: Asked) -> Compared:
    """Compare the window with what it is against.

    Raises:
        NotFoundError: there is no such version, no profile in a window, or nothing is deployed.
        InputError: the file cannot be read, or has no column that the version takes.
        PackageError: the package is altered or malformed.
        UnavailableError: the bucket cannot be reached.
    """
    model = asked.model
    version = asked.version or _default_version(asked)
    package = model.package(version)
    window = _window(asked, package, version)
    lines = _lines(asked, package, window)
    return Compared(
        model=model.name,
        version=version,
        window=str(asked.file or asked.window),
        against="the baseline" if asked.against is None else str(asked.against),
        records=window.records,
        effect=model.settings.effect,
        lines=lines,
    )


def _default_version(asked: Asked) -> int:
    if asked.file is None:
        return asked.model.busiest(asked.window)
    if (stored := _stored(asked.file)) is not None:
        return stored.version
    # A file beside the baseline needs no deployment, and is compared without asking one which version serves.
    return asked.model.configured if asked.against is None else asked.model.serving


def _window(asked: Asked, package: Package, version: int) -> Profile:
    if asked.file is None:
        return asked.model.summed(version, asked.window)
    made = _stored(asked.file) or profile_file(asked.file, package).profile
    if (made.model, made.version) != (package.manifest.name, package.manifest.version):
        raise InputError.of("--file", f"{asked.file} is a profile of {made.model} {made.version}")
    if not made.records:
        raise InputError.of("--file", f"{asked.file} has no records")
    return made


def _stored(file: Path) -> Profile | None:
    """The profile that a file of JSON is, such as that of a batch job; None if it is a file of records."""
    if file.suffix != ".json":
        return None
    try:
        return load_profile(file.read_bytes(), str(file))
    except OSError as error:
        raise InputError.of(str(file), error.strerror or str(error)) from error


def _lines(asked: Asked, package: Package, window: Profile) -> list[Line]:
    model, version = asked.model, package.manifest.version
    bins = bins_of(package.manifest, package.baseline)
    if asked.against is not None:
        return lines_against(bins, window, model.summed(version, asked.against))
    deployed = asked.file is None
    return lines_of_window(
        bins,
        window,
        model.settings,
        records=package.baseline.records,
        references=model.references.read(model.name, version) if deployed else {},
        state=model.state(version) if deployed else None,
    )
