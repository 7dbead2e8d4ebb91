"""Three hundred records of a package, the same on every run: its golden ones, and others made by a seeded generator."""

import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from slipway.config import FeatureType
from slipway.models.manifest import InputField, Record, Scalar
from slipway.models.measurements.baseline import Numbers
from slipway.models.measurements.golden import GOLDEN, read_golden
from slipway.models.measurements.sampling import sample_records
from slipway.models.package import Package

RECORDS = 300
_WORDS = Path(__file__).with_name("hostile.txt").read_text(encoding="utf-8").split("\n")[:-1]
_OPENINGS = ("", "@friend", "Just saying:", "So,", "RT @someone:", "Honestly,", "#monday", "Hey @you!")
_SUBJECTS = (
    "the new album",
    "my train this morning",
    "that match on Saturday",
    "the café in Zürich",
    "waiting in line for 3 hours",
    "the queue at the airport",
    "our teacher's speech",
    "this phone (after 2 weeks)",
    "Friday's episode",
    "the weather tomorrow",
    "dinner with Grandma",
    "customer service of @brand",
)
# Each verdict with endings that do not contradict it: where a text does, int8 graphs are unsure, and differ.
_VERDICTS = (
    (
        ("is the best thing ever", "makes me so happy", "is exactly what I needed", "was brilliant", "is so much fun"),
        ("", "!", "!!!", "😀", "👍🏽", "#love", "❤️", "https://example.org/a?b=c", "Thank you &lt;3"),
    ),
    (
        (
            "was a complete disaster",
            "is awful, I want my money back",
            "is a waste of time",
            "broke again",
            "makes me sick",
        ),
        ("", "!", "...", "😭😭", ":(", "smh", "#fail", "Never again.", "https://example.org/a?b=c"),
    ),
    (
        (
            "starts at 8 pm on channel 4",
            "will be open from 9 to 5",
            "is on page 3 of today's paper",
            "moved to Main Street",
        ),
        ("", ".", "https://example.org/a?b=c", "#news", "via @someone", "(updated)"),
    ),
)


def edge_records(package: Package, count: int = RECORDS) -> list[Record]:
    """``count`` whole records of a package."""
    golden = [each.record for each in read_golden(package.path(GOLDEN)).records]
    make = _texts(package) if package.manifest.task == "text-classification" else _rows(package, golden)
    return [*golden, *islice(make, count - len(golden))]


def _texts(package: Package) -> Iterator[Record]:
    (field,) = package.manifest.inputs
    dice = random.Random(17)  # noqa: S311 - the same records on every run
    yield from sample_records(package, 64)
    while True:
        parts = (dice.choice(each) for each in (_OPENINGS, _SUBJECTS, *dice.choice(_VERDICTS)))
        yield {field.name: " ".join(part for part in parts if part)}


def hostile_texts(count: int = RECORDS) -> list[str]:
    """Texts that no one tweets: where tokenizers differ, they differ on one of these."""
    dice = random.Random(17)  # noqa: S311 - the same records on every run
    texts = ["", " ", "\n\t", "a" * 300, "😀" * 40, "no " * 600, "\u200bzero\u200dwidth\x00null"]
    while len(texts) < count:
        words = dice.choices(_WORDS, k=dice.randint(1, 40))
        texts.append(dice.choice(("", " ", " ", " ", "  ")).join(words))
    return texts


def _rows(package: Package, golden: list[dict[str, Scalar | None]]) -> Iterator[Record]:
    dice = random.Random(17)  # noqa: S311 - the same records on every run
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
