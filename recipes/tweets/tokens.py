"""The tokenizer of a tweet model: all processing of a text before the graph, stored in ``tokenizer.json``."""

from collections import Counter
from collections.abc import Sequence

from tokenizers import Regex, Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import Lowercase, Replace
from tokenizers.normalizers import Sequence as Normalizers
from tokenizers.pre_tokenizers import Split
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import WordPieceTrainer

PAD, UNKNOWN, START = "[PAD]", "[UNK]", "[CLS]"
SPECIAL = (PAD, UNKNOWN, START)
CONTINUED = "##"
MOST_TOKENS = 256
RAREST_CHARACTER = 10
# A word with its apostrophe, hashtag or handle; a run of signs, so that emoticons stay whole; a lone apostrophe.
_WORDS = r"[\w@#]+(?:'\w+)*|[^\w\s@#']+|'"


def normalizer() -> Normalizers:
    """Lower the case, normalize user names, links and apostrophes, and keep at most two of a repeated character."""
    return Normalizers(
        [
            Lowercase(),
            Replace(Regex(r"https?://\S+|www\.\S+"), "http"),
            Replace(Regex(r"@\w+"), "@user"),
            Replace(Regex(r"&amp;|&#38;"), "&"),
            Replace("\u2019", "'"),
            Replace(Regex(r"([^\d\s])\1*(?=\1\1)"), ""),
        ]
    )


def train_tokenizer(texts: Sequence[str], vocabulary: int) -> Tokenizer:
    """Learn ``vocabulary`` word pieces. Every text begins with [CLS], so none is empty; id 0 is padding."""
    normal = normalizer()
    common = _common_characters([normal.normalize_str(text) for text in texts])
    tokenizer = _tokenizer(_learn_pieces(common, vocabulary))
    tokenizer.normalizer = normal
    tokenizer.post_processor = TemplateProcessing(
        single=f"{START} $A", special_tokens=[(START, tokenizer.token_to_id(START))]
    )
    tokenizer.enable_truncation(MOST_TOKENS)
    return tokenizer


def _learn_pieces(texts: Sequence[str], vocabulary: int) -> dict[str, int]:
    """The ids of the pieces, the special ones first.

    The trainer numbers continued letters in the order of a hash table, which differs between runs, and breaks ties by
    number. Passed as special tokens, they get fixed numbers first.
    """
    letters = sorted({CONTINUED + character for text in texts for character in text if not character.isspace()})
    scratch = _tokenizer({UNKNOWN: 0})
    trainer = WordPieceTrainer(
        vocab_size=vocabulary, min_frequency=2, special_tokens=[*SPECIAL, *letters], show_progress=False
    )
    scratch.train_from_iterator(texts, trainer)
    return dict(sorted(scratch.get_vocab().items(), key=lambda piece: piece[1]))


def _tokenizer(vocabulary: dict[str, int]) -> Tokenizer:
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token=UNKNOWN, max_input_chars_per_word=60))
    tokenizer.pre_tokenizer = Split(Regex(_WORDS), "removed", invert=True)
    return tokenizer


def _common_characters(texts: Sequence[str]) -> list[str]:
    """Each text without rare characters, each of which would take two entries of the vocabulary."""
    counts = Counter(character for text in texts for character in text)
    rare = {ord(character): " " for character, count in counts.items() if count < RAREST_CHARACTER}
    return [text.translate(rare) for text in texts]


def encode(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """The ids of each text, without padding."""
    return [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]


def pieces(tokenizer: Tokenizer) -> list[str]:
    """The vocabulary in the order of the ids."""
    vocabulary = tokenizer.get_vocab()
    return sorted(vocabulary, key=vocabulary.__getitem__)
