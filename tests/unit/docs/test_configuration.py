"""The tables of keys name every key of slipway.yaml that there is, and none that there is not."""

import re
from collections.abc import Iterator
from typing import Any, get_args

from support.documents import DOCS

from slipway.config import Config
from slipway.config.validation import Section

_ROW = re.compile(r"^\| (?P<keys>(?:… )?`[^|]*?) \|", re.MULTILINE)


def keys(section: type[Section], prefix: str = "") -> Iterator[str]:
    """The path of each key, down to those that hold a value; a key that the user names is `<name>`."""
    for name, field in section.model_fields.items():
        sections = {each for each in _types(field.annotation) if isinstance(each, type) and issubclass(each, Section)}
        named = ".<name>" if any(getattr(each, "__origin__", None) is dict for each in _types(field.annotation)) else ""
        if not sections:
            yield f"{prefix}{name}"
        for inner in sections:
            yield from keys(inner, f"{prefix}{name}{named}.")


def _types(annotation: Any) -> Iterator[Any]:
    yield annotation
    for inner in get_args(annotation):
        yield from _types(inner)


def documented(document: str, title: str, prefix: str = "") -> set[str]:
    """The keys in the first column of the tables below a heading; `.key` is of the section named before it."""
    text = re.split(r"^## ", (DOCS / document).read_text(encoding="utf-8"), flags=re.MULTILINE)
    (body,) = [part for part in text if part.startswith(f"{title}\n")]
    found: set[str] = set()
    for row in _ROW.finditer(body):
        before = prefix + ("models.<name>.gates.quality." if row["keys"].startswith("…") else "")
        parents: list[str] = []
        for key in re.findall(r"`([^`]+)`", row["keys"].replace("<group>", "<name>")):
            if key.startswith("."):
                found |= {f"{before}{parent}{key}" for parent in parents}
            else:
                found.add(before + key)
                of_all = ":" in row["keys"]
                parents = [*parents, key] if of_all else [key.rpartition(".")[0]]
    return found


def test_every_key_of_slipway_yaml_is_described_and_no_other() -> None:
    there = {key for key in keys(Config) if not key.startswith("models.<name>.release.")}
    described = documented("configuration.md", "Keys") | documented(
        "configuration.md", "Heavy models", "models.<name>.heavy."
    )
    sections = {"models.<name>.heavy", "models.<name>.release", "models.<name>.gates.quality"}
    assert described - sections == there


def test_every_option_of_a_release_is_described_and_no_other() -> None:
    release = "models.<name>.release."
    there = {key.removeprefix(release) for key in keys(Config) if key.startswith(release)}
    described = documented("judge.md", "Options")
    limits = {key for key in there if re.fullmatch(r"judge\.\w+\.\w+", key)}
    discriminators = {key for key in there if key.endswith(".strategy")}
    strategies = {"ab", "bandit", "interleave"}
    assert described - strategies - {"judge.<metric>"} == there - limits - discriminators
