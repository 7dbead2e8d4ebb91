"""The three steps of a job: plan cuts the input into shards, score scores one, finish adds up what has come of all."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Protocol

from slipway.batch.cutting import cut
from slipway.batch.features import FeaturesFrom
from slipway.batch.job import (
    CAPTURES,
    JOB,
    MANIFEST,
    OUTCOMES,
    PROFILE,
    PROFILES,
    REJECTED,
    SUCCESS,
    Extras,
    Job,
    Outcome,
    Summary,
)
from slipway.batch.listeners.listening import Listeners, no_listeners
from slipway.batch.listeners.recording import whole_profile
from slipway.batch.parts import (
    ID,
    OutputFormat,
    PartWriter,
    label_counts,
    rejected_lines,
    require_free_names,
    with_answers,
)
from slipway.batch.reading import scored_tables
from slipway.batch.scoring import Scorer, missing_inputs
from slipway.batch.shards import Shard, to_lines
from slipway.errors import CheckFailedError, ConflictError, InputError
from slipway.models.entities import entities_of_groups
from slipway.models.manifest import Manifest
from slipway.monitoring.profiles.profile import dump_profile
from slipway.records.files import Format, format_of, header_of
from slipway.records.parquet import parquet_file


class Inputs(Protocol):
    """The files that are scored."""

    def files(self) -> list[str]: ...

    def open(self, name: str) -> BinaryIO: ...


class Outputs(Protocol):
    """The files of a job, each of which appears whole or not at all."""

    def __contains__(self, name: str) -> bool: ...

    def names(self, folder: str = "") -> list[str]: ...

    def read(self, name: str) -> str | None: ...

    def write(self, name: str, text: str) -> None: ...

    def remove(self, name: str) -> None: ...

    def writing(self, name: str) -> AbstractContextManager[Path]: ...


def begin(job: Job, outputs: Outputs) -> Job:
    """Return the job that the output is of: the one that was begun there, or else this one.

    Raises:
        ConflictError: the output is of another model, version or form, or has files that are no job's.
    """
    text = outputs.read(JOB)
    if text is None:
        if found := outputs.names():
            raise ConflictError(f"the output has {found[0]}, which no batch job has written; choose an empty folder")
        outputs.write(JOB, job.model_dump_json(indent=1) + "\n")
        return job
    other = Job.model_validate_json(text)
    if not job.continues(other):
        raise ConflictError(
            f"the output is that of {other.model} {other.version} ({other.output}) in another package or with other "
            f"options, made at {other.made_at:%Y-%m-%d %H:%M} UTC; choose another folder"
        )
    return other


@dataclass(frozen=True, slots=True)
class Needed:
    """The columns that a job needs of each file besides its inputs, or in place of them.

    Attributes:
        entities: the entity of each feature group whose features are read: its column stands for theirs.
        also: columns of other uses.
    """

    entities: Mapping[str, str] = field(default_factory=dict)
    also: tuple[str, ...] = ()

    @classmethod
    def of(cls, extras: Extras, manifest: Manifest, owners: Mapping[str, str]) -> "Needed":
        """What a job needs; ``owners`` are the entities of all groups of slipway.yaml.

        Raises:
            ConfigError: slipway.yaml lacks a feature group of the version.
        """
        entities = {} if extras.features is FeaturesFrom.NONE else entities_of_groups(manifest, owners)
        time = extras.time_column if extras.features is FeaturesFrom.HISTORY else None
        return cls(entities, tuple(name for name in (time, extras.precompute) if name is not None))

    def missing(self, columns: Sequence[str], manifest: Manifest) -> list[str]:
        """The columns that a file lacks."""
        found = missing_inputs(manifest, columns, self.entities)[0]
        return list(dict.fromkeys([*found, *(name for name in self.also if name not in columns)]))


INPUTS_ONLY = Needed()


def plan(
    inputs: Inputs,
    outputs: Outputs,
    manifest: Manifest,
    needed: Needed = INPUTS_ONLY,
    *,
    most_rows: int | None = None,
) -> list[Shard]:
    """Cut every file into shards, of hardly more than ``most_rows`` rows each, and write the manifest.

    Raises:
        InputError: a file cannot be read, lacks a needed column, or has one that the output gets.
    """
    shards: list[Shard] = []
    rows = 0
    for name in inputs.files():
        with inputs.open(name) as stream:
            _check_columns(stream, name, manifest, needed)
            stream.seek(0)
            for shard in cut(stream, name, format_of(Path(name)), len(shards), most_rows):
                shards.append(replace(shard, base=rows))
                rows += shard.rows
    if not shards:
        raise InputError.of("INPUT", "has no records")
    outputs.remove(SUCCESS)
    outputs.write(MANIFEST, to_lines(shards))
    return shards


def optional_inputs(inputs: Inputs, manifest: Manifest, needed: Needed = INPUTS_ONLY) -> dict[str, list[str]]:
    """The inputs that a file has no column for, and that are therefore missing or have their default, by file."""
    found = {}
    for name in inputs.files():
        with inputs.open(name) as stream:
            columns = _columns(stream, name)
        if columns is not None and (optional := missing_inputs(manifest, columns, needed.entities)[1]):
            found[name] = optional
    return found


def _check_columns(stream: BinaryIO, name: str, manifest: Manifest, needed: Needed) -> None:
    columns = _columns(stream, name)
    if columns is None:
        return
    if missing := needed.missing(columns, manifest):
        raise InputError.of(name, f"has no column {', '.join(missing)}, which {manifest.name} {manifest.version} needs")
    require_free_names(columns, manifest, name)


def _columns(stream: BinaryIO, name: str) -> Sequence[str] | None:
    format_ = format_of(Path(name))
    if format_ is Format.PARQUET:
        with parquet_file(stream, name) as file:
            return list(file.schema_arrow.names)
    return header_of(stream, format_, name)


def is_done(job: Job, shard: Shard, outputs: Outputs) -> bool:
    """Whether a shard need not be scored again."""
    return job.outcome(shard) in outputs and job.part(shard) in outputs


def score(
    job: Job,
    shard: Shard,
    inputs: Inputs,
    outputs: Outputs,
    scorer: Scorer,
    *,
    seen: Callable[[int], None] | None = None,
    listeners: Listeners = no_listeners,
) -> Outcome:
    """Score a shard, and write its part, its rejected rows and its outcome, in this order.

    ``seen`` is called with the number of further rows that were read; ``listeners`` do more with the answers.

    Raises:
        InputError: the shard cannot be read to its end; nothing of it is kept.
        UnavailableError: features cannot be read, or a listener cannot write.
    """
    counts: Counter[str] = Counter(scored=0, rejected=0)
    labels: Counter[str] = Counter()
    rejected: list[str] = []
    manifest, ids, told = scorer.predictor.manifest, job.ids(shard), listeners(job, shard)
    with (
        inputs.open(shard.file) as stream,
        outputs.writing(job.part(shard)) as path,
        PartWriter(path, OutputFormat(job.output)) as part,
    ):
        for found in scored_tables(shard, stream, scorer):
            table = with_answers(found, manifest, ids)
            part.write(table)
            for listener in told:
                listener.add(found, table.column(ID))
            rejected += rejected_lines(shard.file, found.rejected)
            counts.update(scored=len(found.numbers), rejected=len(found.rejected))
            labels.update(label_counts(table))
            if seen is not None:
                seen(len(found.numbers) + len(found.rejected))
    if rejected:
        outputs.write(job.rejected(shard), "".join(rejected))
    for listener in told:
        counts.update(listener.counts())
        for place, pieces in listener.files(job.name(shard)).items():
            with outputs.writing(place) as path, path.open("wb") as file:
                file.writelines(pieces)
    outcome = Outcome(labels=dict(labels), **counts)
    outputs.write(job.outcome(shard), outcome.model_dump_json() + "\n")
    return outcome


def finish(job: Job, shards: Sequence[Shard], outputs: Outputs, *, most_rejected: float = 1.0) -> Summary:
    """Add up the outcomes and profiles of all shards, remove what is of none of them, and write ``_SUCCESS``.

    Raises:
        CheckFailedError: more than the share ``most_rejected`` of the rows was rejected; there is no ``_SUCCESS``.
        ConflictError: a shard is not done.
    """
    outcomes = []
    for shard in shards:
        text = outputs.read(job.outcome(shard)) if is_done(job, shard, outputs) else None
        if text is None:
            raise ConflictError(f"shard {shard.number} of {shard.file} is not done; run the job again")
        outcomes.append(Outcome.model_validate_json(text))
    _remove_others(job, shards, outputs)
    summary = Summary.of(job, outcomes)
    if summary.rejected > most_rejected * summary.rows:
        raise CheckFailedError(
            f"{summary.rejected:,} of {summary.rows:,} rows were rejected, more than {100 * most_rejected:g} %; "
            f"{REJECTED}/ of the output says why"
        )
    if job.extras.sample > 0:
        outputs.write(PROFILE, dump_profile(whole_profile(job, shards, outputs)) + "\n")
    outputs.write(SUCCESS, summary.text())
    return summary


def _remove_others(job: Job, shards: Sequence[Shard], outputs: Outputs) -> None:
    """Remove the files of shards that the input no longer has."""
    own = (job.part, job.rejected, job.outcome, job.profile, job.captures)
    ours = {name(shard) for shard in shards for name in own}
    found = [name for folder in ("", REJECTED, OUTCOMES, PROFILES, CAPTURES) for name in outputs.names(folder)]
    for name in found:
        if name not in ours and not name.startswith((JOB, MANIFEST, SUCCESS, PROFILE)):
            outputs.remove(name)
