"""The pretrained encoder's tokenizer with the emoji added."""

from tokenizers import Tokenizer

from recipes.tweets.emoji import MEANINGS
from recipes.tweets.encoder.network import pretrained_folder, tweet_tokenizer


def test_each_emoji_is_a_piece_of_its_own_with_the_row_of_its_own_meaning():
    original = Tokenizer.from_file(str(pretrained_folder() / "tokenizer.json"))
    rows = tweet_tokenizer(original).get_vocab()
    assert [rows[emoji] - original.get_vocab_size() for emoji in MEANINGS] == list(range(len(MEANINGS)))


def test_an_emoji_at_a_word_is_read_apart():
    tokenizer = tweet_tokenizer(Tokenizer.from_file(str(pretrained_folder() / "tokenizer.json")))
    assert tokenizer.encode("good\U0001f44d", add_special_tokens=False).tokens == ["good", "\U0001f44d"]
