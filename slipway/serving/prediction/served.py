"""The versions that this process has loaded, and their releases."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from slipway.config import Config, ModelConfig
from slipway.errors import NotFoundError
from slipway.features.definitions import FeatureDefinitions
from slipway.models.manifest import Manifest, Record
from slipway.models.schema import record_model
from slipway.serving.prediction.answers import AnsweredRecord, Predictions, answer_model
from slipway.serving.prediction.live_releases import ConfiguredReleases, Releases
from slipway.serving.prediction.reading import RecordReader
from slipway.serving.prediction.request import Prediction

ModelVersion = tuple[str, int]


class Predicts(Protocol):
    """A loaded version; `slipway.models.predictor.Predictor` is one."""

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
        loaded: the loaded versions. A model without a loaded version is listed but not served, because the other tier
            or another container serves it.
        releases: the models' releases; by default the stable versions of ``config``.
        load: loads a version of ``config`` that could not be loaded at startup.
    """

    def __init__(
        self,
        config: Config,
        loaded: Mapping[ModelVersion, Predicts],
        *,
        releases: Releases | None = None,
        load: Load | None = None,
    ) -> None:
        self.config = config
        self.definitions = FeatureDefinitions(config.features)
        self.releases = releases or ConfiguredReleases(config)
        self._load = load
        self._versions = {key: self._served(predictor) for key, predictor in loaded.items()}

    def model(self, name: str) -> ModelConfig:
        """Return a model's configuration; raises NotFoundError if it is not deployed."""
        try:
            return self.config.models[name]
        except KeyError:
            raise NotFoundError("model", name[:100], self.config.models) from None

    def is_loaded(self, name: str, version: int | None = None) -> bool:
        """Whether this process has loaded a version of a model; by default, the stable one."""
        return (name, self.releases.of(name).stable if version is None else version) in self._versions

    def loaded(self, name: str) -> dict[int, ServedVersion]:
        """Return the loaded versions of a model by number."""
        return {
            number: self._versions[name, number]
            for number in self.config.models[name].versions
            if (name, number) in self._versions
        }

    def version(self, model: str, version: int | None = None) -> ServedVersion:
        """Return a version of a model, by default the stable one; load it if that failed at startup.

        Raises:
            NotFoundError: the model or version does not exist.
            UnavailableError: the version cannot currently be loaded.
        """
        versions = self.model(model).versions
        number = self.releases.of(model).stable if version is None else version
        served = self._versions.get((model, number))
        if served is not None:
            return served
        if self._load is None or number not in versions:
            raise NotFoundError(f"version of {model}", str(number), map(str, versions))
        return self._versions.setdefault((model, number), self._served(self._load(model, number)))

    def answer(self, model: str, predictions: Sequence[Prediction]) -> Predictions:
        """Return predictions as API answers; only the common fields are typed for another slot's version."""
        return Predictions(model=model, predictions=[self._answered(model, made) for made in predictions])

    def _answered(self, model: str, made: Prediction) -> AnsweredRecord:
        served = self._versions.get((model, made.version))
        answer = served.answer if served else AnsweredRecord
        return answer(id=made.id, version=made.version, **made.output, cached=made.cached)

    def _served(self, predictor: Predicts) -> ServedVersion:
        limits = self.config.api.limits
        record = record_model(predictor.manifest, self.definitions.entities, text_characters=limits.text_characters)
        answer = answer_model(record.__name__, predictor.manifest)
        own = self.config.models[predictor.manifest.name].limits
        reader = RecordReader(record, limit=min(limits.records, own.records), characters=own.characters)
        return ServedVersion(predictor, reader, answer)
