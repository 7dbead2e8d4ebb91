"""Sample the rows of a job as serving samples requests: count them into a profile, and keep some of them whole.

Both are of a batch, and are kept apart from those of requests: docs/adr/0025 says why. They depend on the job and the
content of its input alone, so a shard that is scored again gives the same ones.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from slipway.batch.job import Job
from slipway.batch.reading import ScoredTable
from slipway.batch.row_features import entity_ids
from slipway.batch.scoring import Scored, chosen_list
from slipway.batch.shards import Shard
from slipway.config import FeatureType
from slipway.errors import ConflictError
from slipway.models.manifest import Form, InputField
from slipway.models.prediction.answer_columns import AnswerColumns, chosen_answers
from slipway.models.prediction.tasks import MISSING_TEXT
from slipway.monitoring.captures.parsing import Capture
from slipway.monitoring.captures.subjects import Subject, drawn_by_subject
from slipway.monitoring.profiles.bins import FALSE, TRUE
from slipway.monitoring.profiles.columns import NumberCounting
from slipway.monitoring.profiles.making import VersionBins, VersionCounting
from slipway.monitoring.profiles.profile import Profile, dump_profile, load_profile, total

if TYPE_CHECKING:
    import pyarrow

REQUEST = "batch-"
"""What the request of a batch's captures begins with; the first digits of the job's digest follow."""

_JOB_DIGITS = 16
_IN_MEMORY = 4 * 1024 * 1024
_MINUTES = 1  # a job has no period: its profile is of the minute in which it began
_MIX = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
Draws = NDArray[np.float64]


class RecordingListener:
    """Samples a shard.

    Args:
        version: the bins of the version that scores.
        job, shard: what is scored.
        entities: the entities that captures name, if the input has columns for them.
    """

    def __init__(self, version: VersionBins, job: Job, shard: Shard, entities: Sequence[str] = ()) -> None:
        self._job = job
        self._shard = shard
        self._entities = entities
        self._counting = VersionCounting(version.package, version=version)
        self._fields = version.package.manifest.inputs
        self._seed = int(job.digest[:_JOB_DIGITS], 16)
        self._kept: list[tuple[float, int, bytes]] = []  # a heap with the largest draw in front
        # Of sampled entities, as long as the shard, so on the disk; `_lines` closes it.
        self._all = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
        self._sampled = 0

    def add(self, found: ScoredTable, ids: "pyarrow.Array") -> None:
        """Count the sampled rows of a table, and keep some of them."""
        draws = self._draws(found)
        rows = (draws < self._job.extras.sample).nonzero()[0]
        if not len(rows):
            return
        self._sampled += len(rows)
        self._counting.records += len(rows)
        self._count_outputs(found.scored, rows)
        self._count_inputs(found.scored, rows)
        self._keep(found, ids, rows, draws)

    def files(self, shard: str) -> Mapping[str, Iterable[bytes]]:  # noqa: ARG002 - the job names them
        """The profile, and the captures if there are any."""
        made_at = self._job.made_at.replace(second=0, microsecond=0)
        profile = self._counting.profile(made_at, _MINUTES, source=self._shard.digest(self._job.digest))
        counted = f"{dump_profile(profile)}\n".encode()
        files: dict[str, Iterable[bytes]] = {self._job.profile(self._shard): [counted]}
        if self._kept or self._all.tell():
            files[self._job.captures(self._shard)] = self._lines()
        return files

    def _lines(self) -> Iterator[bytes]:
        """The captures by the numbers of their rows, which is the order in which those of entities came."""
        yield from (line for _, _, line in sorted(self._kept, key=lambda each: -each[1]))
        with self._all as lines:
            lines.seek(0)
            yield from lines

    def counts(self) -> Mapping[str, int]:
        """How many rows were sampled."""
        return {"sampled": self._sampled}

    def _draws(self, found: ScoredTable) -> Draws:
        """A number in [0, 1) for each row, the same for all rows of an entity if these are sampled together."""
        draws = mixed(found.numbers + self._shard.base, self._seed)
        entity = self._job.extras.sampled_by
        if entity is None:
            return draws
        names, _, is_id = entity_ids(found.table, entity)
        encoded = names.dictionary_encode()
        key = blake2b(self._job.digest.encode(), digest_size=32).digest()
        of_entity = np.array([drawn_by_subject(Subject(entity, id_), key) for id_ in encoded.dictionary.to_pylist()])
        places = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)
        return np.where(is_id, of_entity[places], draws) if len(of_entity) else draws

    def _count_inputs(self, scored: Scored, rows: NDArray[np.intp]) -> None:
        if scored.inputs is None:
            self._counting.add_inputs(scored.records(rows.tolist()))
            return
        for field in self._fields:
            values, counting = scored.inputs[field.name][rows], self._counting.inputs[field.name]
            if isinstance(counting, NumberCounting):
                counting.add_floats(values.astype(np.float64))
            else:
                counting.add(_present(field, values.tolist()))

    def _count_outputs(self, scored: Scored, rows: NDArray[np.intp]) -> None:
        if isinstance(scored.answers, list):
            self._counting.add_outputs(chosen_list(scored, rows))
            return
        answers = chosen_answers(scored.answers, rows)
        for column, counting in self._counting.outputs.items():
            counting.add(_output(answers, column.split(".", 2)[1:]))

    def _keep(self, found: ScoredTable, ids: "pyarrow.Array", rows: NDArray[np.intp], draws: Draws) -> None:
        """Keep the rows with the smallest draws, or all if entities are sampled: of one, all rows are or none."""
        most = self._job.extras.captures
        if self._job.extras.sampled_by is None:
            rows = rows[np.argsort(draws[rows], kind="stable")][:most]
            if len(self._kept) >= most:
                rows = rows[draws[rows] < -self._kept[0][0]] if most else rows[:0]
        if not len(rows):
            return
        outputs, named = chosen_list(found.scored, rows), self._named(found, rows)
        records, chosen = found.scored.records(rows.tolist()), ids.take(rows).to_pylist()
        for place, (row, id_, record, output) in enumerate(zip(rows.tolist(), chosen, records, outputs, strict=True)):
            capture = self._capture(id_, record, output, {name: of[place] for name, of in named.items()})
            line = f"{capture.line()}\n".encode()
            if self._job.extras.sampled_by is not None:
                self._all.write(line)
                continue
            heapq.heappush(self._kept, (-float(draws[row]), -int(found.numbers[row]), line))
            if len(self._kept) > most:
                heapq.heappop(self._kept)

    def _named(self, found: ScoredTable, rows: NDArray[np.intp]) -> dict[str, list[str | None]]:
        """The ids of the entities that some rows name."""
        return {
            name: entity_ids(found.table, name)[0].take(rows).to_pylist()
            for name in self._entities
            if name in found.table.schema.names
        }

    def _capture(self, id_: str, record: Mapping[str, Any], output: Any, named: Mapping[str, str | None]) -> Capture:
        return Capture(
            id=id_,
            model=self._job.model,
            version=self._job.version,
            time=int(self._job.made_at.timestamp() * 1000),
            request=f"{REQUEST}{self._job.digest[:_JOB_DIGITS]}",
            inputs={field.name: record[field.name] for field in self._fields},
            outputs=output,
            entities={name: value for name, value in named.items() if value},
        )


class ReadsTexts(Protocol):
    """Reads the files of a job's output."""

    def read(self, name: str) -> str | None: ...


def whole_profile(job: Job, shards: Sequence[Shard], outputs: ReadsTexts) -> Profile:
    """The profile of all sampled rows of a job; raises ConflictError if that of a shard is not there."""
    profiles = []
    for shard in shards:
        text = outputs.read(job.profile(shard))
        if text is None:
            lost = f"shard {shard.number} of {shard.file} has lost its profile"
            raise ConflictError(f"{lost}: remove {job.outcome(shard)} from the output, and run the job again")
        profiles.append(load_profile(text, job.profile(shard)))
    summed = total(profiles)
    if summed is None:
        raise ConflictError("the job has no shards")
    return summed


def mixed(numbers: NDArray[np.int64], seed: int) -> Draws:
    """A number in [0, 1) for each row by its number, as SplitMix64 mixes it (Steele et al., 2014)."""
    step, first, second = (np.uint64(each) for each in _MIX)
    with np.errstate(over="ignore"):
        state = (numbers.astype(np.uint64) + np.uint64(1)) * step + np.uint64(seed)
        state = (state ^ (state >> np.uint64(30))) * first
        state = (state ^ (state >> np.uint64(27))) * second
        state ^= state >> np.uint64(31)
    found: Draws = (state >> np.uint64(11)).astype(np.float64) / 2.0**53
    return found


def _output(answers: AnswerColumns, path: Sequence[str]) -> Sequence[Any]:
    """The values of an output's column in a profile, such as ``score`` or ``labels`` and a label."""
    main: Any = answers.main
    match path:
        case [Form.LABELS, label]:
            return [TRUE if label in labels else FALSE for labels in main]
        case [Form.VALUES, target]:
            return list(main[target])
        case ["score"]:
            return [] if answers.score is None else list(answers.score)
        case _:
            return list(main)


def _present(field: InputField, values: list[Any]) -> list[Any]:
    """Values of a column with None for the text that a graph takes for a missing one."""
    if field.type is FeatureType.STRING and field.nullable:
        return [None if value == MISSING_TEXT else value for value in values]
    return values
