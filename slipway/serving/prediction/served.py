"""The versions that this process has loaded, and their releases."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from slipway.config import Config, ModelConfig
from slipway.errors import NotFoundError, NotLoadedError
from slipway.features.cache import Output
from slipway.features.definitions import FeatureDefinitions
from slipway.models.answer_forms import OWN_TASK, AnswerForm, shown_form, stated_form
from slipway.models.manifest import Manifest, Record
from slipway.models.schema import record_model
from slipway.models.servable import UNUSABLE, not_loaded
from slipway.serving.prediction.answers import AnsweredRecord, MadeAhead, Predictions, answer_model
from slipway.serving.prediction.live_releases import ConfiguredReleases, Releases
from slipway.serving.prediction.reading import RecordReader
from slipway.serving.prediction.request import Prediction

ModelVersion = tuple[str, int]
_LOG = logging.getLogger("slipway")


class Predicts(Protocol):
    """A loaded version; `slipway.models.prediction.predictor.Predictor` is one."""

    @property
    def manifest(self) -> Manifest: ...

    def predict(self, records: Sequence[Record]) -> list[dict[str, Any]]: ...


Load = Callable[[str, int], Predicts]


@dataclass(frozen=True, slots=True)
class ServedVersion:
    """A loaded version, the reader of its records and the type of its answers."""

    predictor: Predicts
    reader: RecordReader
    answer: type[AnsweredRecord]

    @property
    def manifest(self) -> Manifest:
        """The manifest of the version."""
        return self.predictor.manifest


class ServedModels:
    """The models of slipway.yaml, and those of their versions that this process serves.

    Args:
        config: slipway.yaml.
        loaded: the loaded versions, and why others cannot be loaded. A model without either is listed but not served,
            because the other tier or another container serves it.
        releases: the models' releases; by default the stable versions of ``config``.
        load: loads a version that was not loaded at startup.
    """

    def __init__(
        self,
        config: Config,
        loaded: Mapping[ModelVersion, Predicts | NotLoadedError],
        *,
        releases: Releases | None = None,
        load: Load | None = None,
    ) -> None:
        self.config = config
        self.definitions = FeatureDefinitions(config.features)
        self.releases = releases or ConfiguredReleases(config)
        self._load = load
        self._versions: dict[ModelVersion, ServedVersion] = {}
        self._failures: dict[ModelVersion, NotLoadedError] = {}
        for (name, number), found in loaded.items():
            self._add(name, number, found)

    def model(self, name: str) -> ModelConfig:
        """Return a model's configuration; raises NotFoundError if it is not deployed."""
        try:
            return self.config.models[name]
        except KeyError:
            raise NotFoundError("model", name[:100], self.config.models) from None

    def is_loaded(self, name: str, version: int | None = None) -> bool:
        """Whether this process has loaded a version of a model; by default, the stable one."""
        return (name, self.releases.of(name).stable if version is None else version) in self._versions

    @property
    def failures(self) -> Mapping[ModelVersion, NotLoadedError]:
        """The deployed versions that cannot be loaded."""
        return self._failures

    def loaded(self, name: str) -> dict[int, ServedVersion]:
        """Return the loaded versions of a model by number."""
        return {
            number: self._versions[name, number] for number in self.versions(name) if (name, number) in self._versions
        }

    def versions(self, name: str) -> tuple[int, ...]:
        """The versions of a model: those of slipway.yaml, and those that retraining has added to its release."""
        model, release = self.config.models[name], self.releases.of(name)
        released = (release.stable, *(each.version for each in release.candidates))
        return (*model.versions, *sorted({version for version in released if version not in model.versions}))

    def version(self, model: str, version: int | None = None) -> ServedVersion:
        """Return a version of a model, by default the stable one; load it if that failed at startup.

        Raises:
            NotFoundError: the model or version does not exist.
            NotLoadedError: the version cannot be loaded.
            UnavailableError: the version cannot currently be fetched.
        """
        config = self.model(model)
        number = self.releases.of(model).stable if version is None else version
        served = self._versions.get((model, number))
        if served is not None:
            return served
        if self._load is not None and config.may_have(number) and number in self.versions(model):
            self._add(model, number, self._loaded_late(self._load, model, number))
        if (failure := self._failures.get((model, number))) is not None:
            raise failure
        if (model, number) not in self._versions:
            raise NotFoundError(f"version of {model}", str(number), map(str, self.versions(model)))
        return self._versions[model, number]

    def most_records(self, name: str) -> int:
        """How many records one request to a model may have."""
        return min(self.config.api.limits.records, self.config.models[name].limits.records)

    def answer_form(self, model: str, version: int, output: Output) -> AnswerForm:
        """Return the form of a version's output. For another slot's version, which has no manifest here, it shows."""
        if (served := self._versions.get((model, version))) is not None:
            return stated_form(served.manifest)
        own = stated_form(self.version(model).manifest)
        return OWN_TASK if own == OWN_TASK else shown_form(output)

    def answer(self, model: str, predictions: Sequence[Prediction]) -> Predictions:
        """Return predictions as API answers; only the common fields are typed for another slot's version."""
        return Predictions(model=model, predictions=[self._answered(model, made) for made in predictions])

    def _answered(self, model: str, made: Prediction) -> AnsweredRecord:
        served = self._versions.get((model, made.version))
        answer = served.answer if served else AnsweredRecord
        return answer(id=made.id, version=made.version, **made.output, cached=made.cached, **MadeAhead.of(made))

    def _loaded_late(self, load: Load, model: str, number: int) -> Predicts | NotLoadedError:
        try:
            return load(model, number)
        except NotLoadedError as error:
            return error

    def _add(self, name: str, number: int, found: Predicts | NotLoadedError) -> None:
        """Keep a version, or log and keep why it cannot be loaded; a repeated reason is not logged again."""
        if not isinstance(found, NotLoadedError):
            try:
                self._versions[name, number] = self._served(found)
                self._failures.pop((name, number), None)
                return
            except UNUSABLE as error:
                found = not_loaded(name, number, error)
        before = self._failures.get((name, number))
        self._failures[name, number] = found
        if before is None or before.reason != found.reason:
            _LOG.error("%s %s cannot be loaded, and the other versions serve", name, number, exc_info=found)

    def _served(self, predictor: Predicts) -> ServedVersion:
        limits, name = self.config.api.limits, predictor.manifest.name
        model = self.config.models[name]
        record = record_model(
            predictor.manifest,
            self.definitions.entities,
            text_characters=limits.text_characters,
            about=model.capture.entity,
        )
        answer = answer_model(record.__name__, predictor.manifest)
        characters = model.limits.characters
        reader = RecordReader(record, limit=self.most_records(name), characters=characters)
        return ServedVersion(predictor, reader, answer)
