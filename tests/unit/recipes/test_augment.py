"""Variants of texts."""

from recipes.tweets.augment import Words, variants
from recipes.tweets.emoji import MEANINGS

TEXTS = ["What a good day, really!", "the match was bad", "ok", "going to see it on Friday with @user"] * 50
WORDS = Words({"good": ["fine"], "bad": ["awful"]}, ["table", "river"])


def test_there_is_one_for_each_text_and_none_is_empty() -> None:
    made = variants(TEXTS, WORDS, seed=1)
    assert len(made) == len(TEXTS)
    assert all(text.strip() for text in made)


def test_the_seed_decides() -> None:
    assert variants(TEXTS, WORDS, seed=1) == variants(TEXTS, WORDS, seed=1)
    assert variants(TEXTS, WORDS, seed=1) != variants(TEXTS, WORDS, seed=2)


def test_words_come_from_what_may_be_swapped_and_from_other_texts() -> None:
    joined = " ".join(variants(TEXTS, WORDS, seed=3))
    assert "fine" in joined
    assert "awful" in joined
    assert "river" in joined


def test_emoji_are_added_now_and_then() -> None:
    made = variants(TEXTS, WORDS, seed=4)
    with_emoji = [text for text in made if any(sign in text for sign in MEANINGS)]
    assert 0 < len(with_emoji) < len(made) / 3


def test_without_words_to_swap_texts_keep_theirs() -> None:
    known = {part for text in TEXTS for part in text.split()}
    made = variants(["the match was bad"] * 40, Words(), seed=5)
    assert any(set(text.split()) <= known for text in made)
