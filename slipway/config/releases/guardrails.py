"""The part of slipway.yaml on guardrail metrics: CloudWatch metrics of the user's own that the judge compares.

The limits of names and dimensions are CloudWatch's:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, FiniteFloat, StringConstraints, model_validator

from slipway.config.validation import Section

VERSION_PLACEHOLDER = "{version}"
BUILT_IN = ("errors", "p50", "p99", "labels", "score", "value", "accuracy", "reward", "agreement")
MOST_METRICS = 20
_LONGEST_VERSION = 10
_MOST_CHARACTERS = 1024


def _printable(text: str) -> str:
    if not text.strip() or not text.isascii() or not text.isprintable():
        raise ValueError("must be printable ASCII and not blank, as CloudWatch wants it")
    return text


def _is_new(name: str) -> str:
    if name in BUILT_IN:
        raise ValueError(f"is a metric that the judge has already, as are {', '.join(BUILT_IN)}: choose another name")
    return name


def _fits(value: str) -> str:
    if len(value.replace(VERSION_PLACEHOLDER, "9" * _LONGEST_VERSION)) > _MOST_CHARACTERS:
        raise ValueError(f"must have at most {_MOST_CHARACTERS} characters with the version in it")
    return value


MetricName = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_printable)]
Namespace = Annotated[MetricName, StringConstraints(pattern=r"^[A-Za-z0-9._/#][A-Za-z0-9._/#: -]*$")]
DimensionName = Annotated[MetricName, StringConstraints(pattern=r"^[^:]")]
DimensionValue = Annotated[str, StringConstraints(min_length=1), AfterValidator(_printable), AfterValidator(_fits)]
GuardrailName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,47}$"), AfterValidator(_is_new)]


class GuardrailMetric(Section):
    """A CloudWatch metric of the user's own, compared between candidate and stable version.

    ``{version}`` in a dimension's value stands for the version. Without ``limit``, each value is from 0 to 1 and the
    means are compared; with it, the shares of values over it. ``bad`` says which end is worse, and ``margin`` how much
    worse, in shares, the candidate may be.
    """

    namespace: Namespace
    metric: MetricName
    dimensions: Annotated[dict[DimensionName, DimensionValue], Field(min_length=1, max_length=30)]
    bad: Literal["high", "low"] = "high"
    limit: Annotated[FiniteFloat, Field(ge=0)] | None = None
    margin: Annotated[FiniteFloat, Field(gt=0, lt=1)]
    proven: bool = False
    enabled: bool = True

    @model_validator(mode="after")
    def _tells_versions_apart(self) -> Self:
        if not any(VERSION_PLACEHOLDER in value for value in self.dimensions.values()):
            raise ValueError(
                f"`dimensions` must have {VERSION_PLACEHOLDER} in a value, e.g. `Version: '{VERSION_PLACEHOLDER}'`: "
                "without it, the versions have one metric together"
            )
        return self

    def dimensions_of(self, version: int) -> tuple[tuple[str, str], ...]:
        """The dimensions of one version's metric."""
        return tuple(
            (name, value.replace(VERSION_PLACEHOLDER, str(version))) for name, value in self.dimensions.items()
        )


Guardrails = Annotated[dict[GuardrailName, GuardrailMetric], Field(max_length=MOST_METRICS)]
