"""The tokenizer of a tweet model."""

import pytest
from tokenizers import Tokenizer

from recipes.tweets.tokens import encode, normalizer, pieces, train_tokenizer

TEXTS = ["what a lovely lovely day :)", "a grim day, isn't it?", "lovely, lovely!! @user http", "it is what it is"] * 12


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(TEXTS, 90)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("SOOOO Good!!!!!", "soo good!!"),
        ("@somebody_else look: https://example.org/a?b=c", "@user look: http"),
        ("it\u2019s 10000 &amp; more", "it's 10000 & more"),
    ],
)
def test_text_is_brought_to_one_form(text: str, normal: str) -> None:
    assert normalizer().normalize_str(text) == normal


def test_emoticons_words_and_apostrophes_stay_whole(tokenizer: Tokenizer) -> None:
    tokens = tokenizer.encode("Lovely day isn't it :)").tokens
    assert tokens == ["[CLS]", "lovely", "day", "isn't", "it", ":)"]


def test_no_text_is_empty_and_none_is_padding(tokenizer: Tokenizer) -> None:
    assert encode(tokenizer, ["", " \n", "[PAD] [CLS]"])[:2] == [[2], [2]]
    assert 0 not in tokenizer.encode("[PAD] [CLS] \U0001f600").ids


def test_long_texts_are_cut(tokenizer: Tokenizer) -> None:
    assert len(tokenizer.encode("day " * 2000).ids) == 256


def test_training_again_gives_the_same_vocabulary(tokenizer: Tokenizer) -> None:
    assert train_tokenizer(TEXTS, 90).to_str() == tokenizer.to_str()
    assert pieces(tokenizer)[:3] == ["[PAD]", "[UNK]", "[CLS]"]
