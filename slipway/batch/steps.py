"""The three steps of a job: plan cuts the input into shards, score scores one, finish adds up what has come of all."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Protocol

from slipway.batch.cutting import cut
from slipway.batch.job import JOB, MANIFEST, OUTCOMES, REJECTED, SUCCESS, Job, Outcome, Summary
from slipway.batch.parts import OutputFormat, PartWriter, label_counts, rejected_lines, require_free_names, with_answers
from slipway.batch.reading import scored_tables
from slipway.batch.scoring import Scorer, missing_inputs
from slipway.batch.shards import Shard, to_lines
from slipway.errors import CheckFailedError, ConflictError, InputError
from slipway.models.manifest import Manifest
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


def plan(inputs: Inputs, outputs: Outputs, manifest: Manifest, *, most_rows: int | None = None) -> list[Shard]:
    """Cut every file into shards, of hardly more than ``most_rows`` rows each, and write the manifest.

    Raises:
        InputError: a file cannot be read, lacks a required input, or has a column that the output gets.
    """
    shards: list[Shard] = []
    rows = 0
    for name in inputs.files():
        with inputs.open(name) as stream:
            _check_columns(stream, name, manifest)
            stream.seek(0)
            for shard in cut(stream, name, format_of(Path(name)), len(shards), most_rows):
                shards.append(replace(shard, base=rows))
                rows += shard.rows
    if not shards:
        raise InputError.of("INPUT", "has no records")
    outputs.remove(SUCCESS)
    outputs.write(MANIFEST, to_lines(shards))
    return shards


def optional_inputs(inputs: Inputs, manifest: Manifest) -> dict[str, list[str]]:
    """The inputs that a file has no column for, and that are therefore missing or have their default, by file."""
    found = {}
    for name in inputs.files():
        with inputs.open(name) as stream:
            columns = _columns(stream, name)
        if columns is not None and (optional := missing_inputs(manifest, columns)[1]):
            found[name] = optional
    return found


def _check_columns(stream: BinaryIO, name: str, manifest: Manifest) -> None:
    columns = _columns(stream, name)
    if columns is None:
        return
    if required := missing_inputs(manifest, columns)[0]:
        raise InputError.of(
            name, f"has no column {', '.join(required)}, which {manifest.name} {manifest.version} needs"
        )
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
) -> Outcome:
    """Score a shard, and write its part, its rejected rows and its outcome, in this order.

    ``seen`` is called with the number of further rows that were read.

    Raises:
        InputError: the shard cannot be read to its end; nothing of it is kept.
    """
    counts: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    rejected: list[str] = []
    manifest, ids = scorer.predictor.manifest, job.ids(shard)
    with (
        inputs.open(shard.file) as stream,
        outputs.writing(job.part(shard)) as path,
        PartWriter(path, OutputFormat(job.output)) as part,
    ):
        for found in scored_tables(shard, stream, scorer):
            table = with_answers(found, manifest, ids)
            part.write(table)
            rejected += rejected_lines(shard.file, found.rejected)
            counts.update(scored=len(found.numbers), rejected=len(found.rejected))
            labels.update(label_counts(table))
            if seen is not None:
                seen(len(found.numbers) + len(found.rejected))
    if rejected:
        outputs.write(job.rejected(shard), "".join(rejected))
    outcome = Outcome(scored=counts["scored"], rejected=counts["rejected"], labels=dict(labels))
    outputs.write(job.outcome(shard), outcome.model_dump_json() + "\n")
    return outcome


def finish(job: Job, shards: Sequence[Shard], outputs: Outputs, *, most_rejected: float = 1.0) -> Summary:
    """Add up the outcomes of all shards, remove what is of none of them, and write ``_SUCCESS``.

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
    outputs.write(SUCCESS, summary.text())
    return summary


def _remove_others(job: Job, shards: Sequence[Shard], outputs: Outputs) -> None:
    """Remove the parts of shards that the input no longer has."""
    ours = {name for shard in shards for name in (job.part(shard), job.rejected(shard), job.outcome(shard))}
    for name in (*outputs.names(), *outputs.names(REJECTED), *outputs.names(OUTCOMES)):
        if name not in ours and not name.startswith((JOB, MANIFEST, SUCCESS)):
            outputs.remove(name)
