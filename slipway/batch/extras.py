"""What somebody asks of a job besides scoring, and what slipway.yaml and the version make of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from slipway.batch.features import FeaturesFrom
from slipway.batch.job import TIME_TO_LIVE, Extras
from slipway.batch.listeners.precompute import require_looked_up, require_precomputable
from slipway.config import Config
from slipway.config.batch import BatchSchedule
from slipway.errors import InputError
from slipway.models.manifest import Manifest

_TIME = "time"


class AskedExtras(BaseModel):
    """The options of `slipway batch run`, or of a schedule; None stands for the default.

    ``sample`` is by default `capture.sample` of the model, and ``ttl`` a day.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    features: FeaturesFrom = FeaturesFrom.NONE
    time_column: str | None = None
    precompute: str | None = None
    ttl: Annotated[timedelta, Field(gt=timedelta(0))] | None = None
    sample: Annotated[float, Field(ge=0, le=1)] | None = None

    @classmethod
    def of(cls, schedule: BatchSchedule) -> Self:
        """What a schedule of slipway.yaml asks for."""
        return cls(
            features=FeaturesFrom(schedule.features),
            time_column=schedule.time_column,
            precompute=schedule.precompute,
            ttl=None if schedule.ttl_hours is None else timedelta(hours=schedule.ttl_hours),
            sample=schedule.sample,
        )

    def check(self, config: Config, model: str) -> None:
        """Raise InputError if these do not go together, or the API would not look for what is precomputed."""
        if self.time_column is not None and self.features is not FeaturesFrom.HISTORY:
            raise InputError.of("--time-column", "is for features as they were at a time: give --features history, too")
        if self.ttl is not None and self.precompute is None:
            raise InputError.of("--ttl", "is for precomputed answers: give --precompute, too")
        if self.precompute is not None:
            require_looked_up(model, self.precompute, config.models[model].cache.precomputed)

    def settled(self, config: Config, manifest: Manifest) -> Extras:
        """What a job of a version does.

        Raises:
            InputError: as `check` does, or the API could not answer from what would be precomputed.
        """
        self.check(config, manifest.name)
        model = config.models[manifest.name]
        if self.precompute is not None:
            owners = {name: group.entity for name, group in config.features.items()}
            require_precomputable(manifest, owners, self.precompute, model.cache.precomputed)
        sample = model.capture.sample if self.sample is None else self.sample
        made = Extras(features=self.features, precompute=self.precompute, ttl=self.ttl or TIME_TO_LIVE, sample=sample)
        if self.features is FeaturesFrom.HISTORY:
            made = replace(made, time_column=self.time_column or _TIME)
        if sample > 0:
            made = replace(made, captures=model.capture.reservoir, sampled_by=_sampled_by(config, manifest))
        return made

    def resumed(self, settled: Extras, begun: Extras) -> Extras:
        """What a job goes on with that began as ``begun``: slipway.yaml may have changed what is sampled since."""
        if self.sample not in (None, begun.sample):
            return settled
        return replace(settled, sample=begun.sample, captures=begun.captures, sampled_by=begun.sampled_by)


def _sampled_by(config: Config, manifest: Manifest) -> str | None:
    """The entity that is sampled, as serving chooses it: that of `capture.entity`, else of the first feature group."""
    capture, owners = config.models[manifest.name].capture, config.features
    if capture.by != "entity":
        return None
    return capture.entity or next((owners[group].entity for group in manifest.groups if group in owners), None)
