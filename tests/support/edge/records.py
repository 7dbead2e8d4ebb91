"""Three hundred records of a package, the same on every run: its golden ones, and others made by a seeded generator."""

import random
from collections.abc import Iterator
from itertools import islice

from slipway.config import FeatureType
from slipway.models.manifest import InputField, Record, Scalar
from slipway.models.measurements.baseline import Numbers
from slipway.models.measurements.golden import GOLDEN, read_golden
from slipway.models.measurements.sampling import sample_records
from slipway.models.package import Package

RECORDS = 300
_WORDS = (
    "love hate awful great Monday don't can't rain SUNNY sooooo bad goooood train match tickets tomorrow the a of and "
    "I you it's not never won lost happy sad angry Café naïve Zürich ¿qué 東京 العربية привет ﬁne ½ №5 x² 3.14 10,000 "
    "#friday #ThrowBack @someone @user_1 https://example.org/a?b=c www.example.org &amp; &lt;3 :) :-( ;D <3 ... !!! ?! "
    "😀 😭 👍🏽 🏳️‍🌈 ❤️ 🇬🇧 ‘quoted’ “double” it’s – — _under_score_ can'nt [CLS] [PAD] [UNK] I'd rock'n'roll ﷺ ＡＢＣ ñ Å ß İ ǆ"
).split(" ")


def edge_records(package: Package, count: int = RECORDS) -> list[Record]:
    """``count`` whole records of a package."""
    golden = [each.record for each in read_golden(package.path(GOLDEN)).records]
    make = _texts(package) if package.manifest.task == "text-classification" else _rows(package, golden)
    return [*golden, *islice(make, count - len(golden))]


def _texts(package: Package) -> Iterator[Record]:
    (field,) = package.manifest.inputs
    dice = random.Random(17)
    yield from sample_records(package, 64)
    yield from ({field.name: text} for text in (" ", "\n\t", "a" * 300, "😀" * 40, "no " * 600, "​zero‍width\x00null"))
    while True:
        words = dice.choices(_WORDS, k=dice.randint(1, 40))
        yield {field.name: dice.choice(("", " ", "  ")).join(words) if dice.random() < 0.1 else " ".join(words)}


def _rows(package: Package, golden: list[dict[str, Scalar | None]]) -> Iterator[Record]:
    dice = random.Random(17)
    while True:
        like = dice.choice(golden)
        yield {field.name: _value(package, field, like[field.name], dice) for field in package.manifest.inputs}


def _value(package: Package, field: InputField, like: Scalar | None, dice: random.Random) -> Scalar | None:
    if field.nullable and dice.random() < 0.1:
        return None
    match package.baseline.inputs.get(field.name):
        case Numbers(min=low, max=high):
            number = dice.uniform(low, high)
            return round(number) if field.type is FeatureType.INTEGER else number
        case _ if field.type is FeatureType.STRING and field.allowed is None and dice.random() < 0.05:
            return "a category that no one has seen"
        case _:
            return like
