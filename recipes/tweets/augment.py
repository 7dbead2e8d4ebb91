"""Data augmentation: synthetic texts for a teacher to label, with more of the language than the tweets have."""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from recipes.tweets.emoji import MEANINGS

_WORD = re.compile(r"^([^\w]*)([^\W\d_]+(?:['\u2019][^\W\d_]+)*)([^\w]*)$")
_SIGNS = (".", "!", "!!", "!!!", "?", "??", "...", ":)", ":(", ":D", ";)", ":/", "</3", "<3", "XD", "lol", "smh", "wtf")
_EMOJI_SHARE = 0.12
_SWAPPED_SHARES = (0.1, 0.5)


@dataclass(frozen=True)
class Words:
    """Replacements of words: ``near`` has words of similar meaning by word, ``any`` all words."""

    near: Mapping[str, Sequence[str]] = field(default_factory=dict)
    any: Sequence[str] = ()


def variants(texts: Sequence[str], words: Words, *, seed: int) -> list[str]:
    """A variant of each text, made by one random change and sometimes an added emoji."""
    draw = random.Random(seed)  # noqa: S311 - not a secret
    source = _Source(texts, words, draw)
    made = [draw.choice(_CHANGES)(text, source) for text in texts]
    return [_with_emoji(text, draw) if draw.random() < _EMOJI_SHARE else text for text in made]


@dataclass(frozen=True)
class _Source:
    """The inputs of a change."""

    texts: Sequence[str]
    words: Words
    draw: random.Random


def _crop(text: str, source: _Source) -> str:
    """A part of the text, of at least two words."""
    parts = text.split()
    length = source.draw.randint(min(2, len(parts)), len(parts))
    start = source.draw.randint(0, len(parts) - length)
    return " ".join(parts[start : start + length])


def _join(text: str, source: _Source) -> str:
    """The beginning of the text and the end of another."""
    first, second = text.split(), source.draw.choice(source.texts).split()
    return " ".join(first[: source.draw.randint(1, len(first))] + second[source.draw.randint(0, len(second) - 1) :])


def _swap_near(text: str, source: _Source) -> str:
    """Replace some words by words of similar meaning."""
    return _replace(text, source.draw, lambda word: source.draw.choice(source.words.near.get(word.lower(), (word,))))


def _swap_any(text: str, source: _Source) -> str:
    """Replace some words by random ones, so that the teacher labels those."""
    return _replace(text, source.draw, lambda word: source.draw.choice(source.words.any) if source.words.any else word)


def _drop(text: str, source: _Source) -> str:
    """Drop some words and append a sign."""
    share = source.draw.uniform(*_SWAPPED_SHARES) / 2
    kept = [part for part in text.split() if source.draw.random() > share] or text.split()[:1]
    return " ".join([*kept, source.draw.choice(_SIGNS)])


_CHANGES: tuple[Callable[[str, _Source], str], ...] = (
    _crop,
    _join,
    _swap_near,
    _swap_near,
    _swap_any,
    _drop,
)


def _replace(text: str, draw: random.Random, other: Callable[[str], str]) -> str:
    share = draw.uniform(*_SWAPPED_SHARES)
    return " ".join(_replace_word(part, other) if draw.random() < share else part for part in text.split())


def _replace_word(part: str, other: Callable[[str], str]) -> str:
    found = _WORD.match(part)
    return found[1] + other(found[2]) + found[3] if found else part


def _with_emoji(text: str, draw: random.Random) -> str:
    """Insert one emoji, possibly repeated, after one of the words."""
    sign = draw.choice(tuple(MEANINGS)) * draw.choice((1, 1, 1, 2, 3))
    parts = text.split()
    parts.insert(len(parts) if draw.random() < 0.8 else draw.randint(0, len(parts)), sign)
    return " ".join(parts)
