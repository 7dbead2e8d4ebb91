"""The three steps of a job in an account, over objects in S3."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Self

from slipway.batch import steps
from slipway.batch.account.bucket import InputObjects, OutputObjects
from slipway.batch.account.places import Place
from slipway.batch.account.runs import RUNS, Planned, PlanRequest, Run
from slipway.batch.account.sizing import shard_rows
from slipway.batch.features import FeaturesFrom
from slipway.batch.job import JOB, MANIFEST, Extras, Job, Outcome, Summary
from slipway.batch.listeners.listening import Listeners, no_listeners
from slipway.batch.scoring import Scorer
from slipway.batch.shards import Shard, from_lines, to_lines
from slipway.batch.stores import Stores
from slipway.config import Config
from slipway.errors import ConflictError, InputError, NotFoundError, SlipwayError, UnavailableError
from slipway.models.manifest import Manifest
from slipway.models.package import Package
from slipway.models.prediction.predictor import Predictor

if TYPE_CHECKING:
    from slipway.models.registry.bucket import S3ClientFactory

LIGHT = "light"
_LOG = logging.getLogger("slipway")
_SHARE_TOLERATED = 0.1
_LEAST_TOLERATED = 10
_NAMED_FAILURES = 3
_CUT, _FAILED = "cut.json", "failed"


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans jobs. ``bucket`` is that of batch jobs, ``packages`` gives manifests, ``serving`` a model's version."""

    config: Config
    bucket: str
    client: "S3ClientFactory"
    packages: Callable[[str, int], Package]
    serving: Callable[[str], int]

    def plan(self, request: PlanRequest) -> Planned:
        """Cut the input into shards, and write those that are not done yet where the map reads them.

        Raises:
            NotFoundError: there is no such model or version.
            ConflictError, InputError: as `begin` and `plan` do.
        """
        run = request.run.begun(execution=request.execution, started=request.started, bucket=self.bucket)
        if run.model not in self.config.models:
            raise NotFoundError("model", run.model, self.config.models, within="slipway.yaml")
        _require_apart(run)
        inputs, outputs = _inputs(run, self.client), _outputs(run, self.client)
        begun = _begun(outputs)
        package = self.packages(run.model, self._version(run, begun))
        run = run.model_copy(update={"version": package.manifest.version})
        extras = self._extras(run, package.manifest, begun)
        owners = {name: group.entity for name, group in self.config.features.items()}
        needed = steps.Needed.of(extras, package.manifest, owners)
        started = request.started.astimezone(UTC)
        job = steps.begin(Job.of(package, run.format, run.batch_size, started, extras), outputs)
        runs = OutputObjects(Place(self.bucket, f"{RUNS}/{run.job}"), self.client)
        shards = steps.plan(inputs, outputs, package.manifest, needed, most_rows=self._rows(run, runs))
        for name in runs.names(_FAILED):
            runs.remove(name)
        listed, items = outputs.at_once(()), f"{request.execution}.jsonl"
        missing = [shard for shard in shards if not steps.is_done(job, shard, listed)]
        runs.write(items, to_lines(missing))
        return Planned(
            run=run,
            scorer=run.model if run.model in self.config.heavy_models else LIGHT,
            items=f"{RUNS}/{run.job}/{items}",
            shards=len(shards),
            rows=sum(shard.rows for shard in shards),
            missing=len(missing),
            tolerated=max(_LEAST_TOLERATED, int(_SHARE_TOLERATED * len(missing))),
        )

    def _version(self, run: Run, begun: Job | None) -> int:
        """The version that was asked for, else the one that began this output, else the one that serves now."""
        if run.version is not None:
            return run.version
        return self.serving(run.model) if begun is None else begun.version

    def _extras(self, run: Run, manifest: Manifest, begun: Job | None) -> Extras:
        """What the job does besides scoring; what is sampled by default stays that of the first run."""
        extras = run.extras.settled(self.config, manifest)
        if extras.features is FeaturesFrom.HISTORY:
            _require_histories(self.config, manifest)
        return extras if begun is None else run.extras.resumed(extras, begun.extras)

    def _rows(self, run: Run, runs: OutputObjects) -> int | None:
        """The rows of a shard, which stay those of the first run: they are in the names of what is done."""
        known = runs.read(_CUT)
        if known is None:
            known = json.dumps({"rows": shard_rows(self.config.models[run.model])})
            runs.write(_CUT, known)
        rows: int | None = json.loads(known)["rows"]
        return rows


@dataclass(frozen=True, slots=True)
class JobScorer:
    """What scores the rows of a job, and what else is done with their answers."""

    scorer: Scorer
    listeners: Listeners = no_listeners

    @classmethod
    def of(cls, job: Job, predictor: Predictor, stores: Stores) -> Self:
        """That of a version which is open; raises as `Stores` does."""
        return cls(stores.scorer(job, predictor), stores.listeners(job, predictor.package))


@dataclass(frozen=True, slots=True)
class Worker:
    """Scores shards; ``opened`` opens the version of a job, and may keep it open."""

    bucket: str
    client: "S3ClientFactory"
    opened: Callable[[Job], JobScorer]

    def score(self, run: Run, shard: Shard) -> Outcome | None:
        """Score a shard, or return None if that was done before.

        Raises:
            InputError: it cannot be read to its end; the step `finish` says so, too.
            SlipwayError: something else failed, which may work at another time.
        """
        outputs = _outputs(run, self.client)
        try:
            job = _job(run, outputs)
            if steps.is_done(job, shard, outputs):
                return None
            opened, inputs = self.opened(job), _inputs(run, self.client)
            return steps.score(job, shard, inputs, outputs, opened.scorer, listeners=opened.listeners)
        except SlipwayError as error:
            self._note(run, shard, error)
            raise

    def score_number(self, run: Run, number: int) -> Outcome | None:
        """Score the shard with a number of the job's manifest; raises as `score` does."""
        for shard in _shards(run, _outputs(run, self.client)):
            if shard.number == number:
                return self.score(run, shard)
        raise InputError.of("shard", f"the manifest of {run.job} has none with the number {number}")

    def _note(self, run: Run, shard: Shard, error: SlipwayError) -> None:
        """Keep the reason of a failure for the step `finish`."""
        _LOG.error("shard %d of %s was not scored: %s", shard.number, run.job, error)
        if not isinstance(error, UnavailableError):
            runs = OutputObjects(Place(self.bucket, f"{RUNS}/{run.job}"), self.client)
            runs.write(_failure(shard.number), str(error))


@dataclass(frozen=True, slots=True)
class Finisher:
    """Finishes jobs."""

    bucket: str
    client: "S3ClientFactory"

    def finish(self, run: Run) -> Summary:
        """Add up what has come of all shards, and write ``_SUCCESS``.

        Raises:
            ConflictError: some shards are not done; it says which, and why.
            CheckFailedError: more rows were rejected than the run allows.
        """
        outputs = _outputs(run, self.client)
        job, shards = _job(run, outputs), _shards(run, outputs)
        read = (job.outcome, job.profile) if job.extras.sample > 0 else (job.outcome,)
        listed = outputs.at_once(name(shard) for shard in shards for name in read)
        missing = [shard for shard in shards if not steps.is_done(job, shard, listed)]
        if missing:
            raise ConflictError(self._explained(run, missing, len(shards)))
        return steps.finish(job, shards, listed, most_rejected=run.most_rejected)

    def _explained(self, run: Run, missing: list[Shard], shards: int) -> str:
        runs = OutputObjects(Place(self.bucket, f"{RUNS}/{run.job}"), self.client)
        noted = {shard.number: runs.read(_failure(shard.number)) for shard in missing[:_NAMED_FAILURES]}
        unknown = "its worker ended without a reason; its log may say more"
        said = "; ".join(
            f"shard {shard.number} of {shard.file}: {noted[shard.number] or unknown}"
            for shard in missing[:_NAMED_FAILURES]
        )
        more = f"; and {len(missing) - _NAMED_FAILURES} more" if len(missing) > _NAMED_FAILURES else ""
        return f"{len(missing)} of {shards} shards were not scored: {said}{more}. `slipway batch rerun {run.job}`"


def _require_histories(config: Config, manifest: Manifest) -> None:
    """Raise InputError if a history is not kept that a version's features would be read from."""
    for group in manifest.groups:
        if group in config.features and group not in config.recorded_groups:
            said = f"feature group {group} has no history: set features.{group}.history to true in slipway.yaml"
            raise InputError.of("--features", said)


def _require_apart(run: Run) -> None:
    if Place.parse(run.output or "", field="OUTPUT").is_within(Place.parse(run.source, field="INPUT")):
        raise InputError.of("OUTPUT", f"{run.output} is within the input, and would be scored the next time")


def to_shard(item: Mapping[str, object]) -> Shard:
    """The shard of a line of the manifest, as the map passes it on."""
    (shard,) = from_lines(json.dumps(item))
    return shard


def _failure(number: int) -> str:
    return f"{_FAILED}/{number:05d}.txt"


def _inputs(run: Run, client: "S3ClientFactory") -> InputObjects:
    return InputObjects(Place.parse(run.source, field="INPUT"), client)


def _outputs(run: Run, client: "S3ClientFactory") -> OutputObjects:
    return OutputObjects(Place.parse(run.output or "", field="OUTPUT"), client)


def _begun(outputs: OutputObjects) -> Job | None:
    """The job that was begun in this output, if one was."""
    text = outputs.read(JOB)
    return None if text is None else Job.model_validate_json(text)


def _job(run: Run, outputs: OutputObjects) -> Job:
    begun = _begun(outputs)
    if begun is None:
        raise ConflictError(f"the output of {run.job} has lost {JOB}; run the job again")
    return begun


def _shards(run: Run, outputs: OutputObjects) -> list[Shard]:
    text = outputs.read(MANIFEST)
    if text is None:
        raise ConflictError(f"the output of {run.job} has lost {MANIFEST}; run the job again")
    return list(from_lines(text))
