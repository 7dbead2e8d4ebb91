"""What the tests that need PyTorch share."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from support.retrained import THINGS, WORDS
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertModel

from recipes.tweets.encoder import network
from slipway.models.importing.importer import Imported, import_model
from slipway.models.importing.request import ImportRequest


@pytest.fixture
def networks(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The module of entries, by the name that ``--torch`` takes."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    yield "networks"
    sys.modules.pop("networks", None)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Imported]:
    """Import into ``<tmp_path>/models``."""

    def go(**options: Any) -> Imported:
        return import_model(ImportRequest(**{"name": "example", "models": tmp_path / "models", **options}))

    return go


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """PyTorch with one thread, whose sums have one order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def small_weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small untrained encoder where the pretrained one is looked for."""
    folder = tmp_path_factory.mktemp("pretrained")
    words = [*THINGS, *(word for kind in WORDS.values() for word in kind), "the", "was", "and", "indeed"]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words, *(chr(code) for code in range(33, 127))]
    tokenizer = Tokenizer(WordPiece({piece: at for at, piece in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = BertNormalizer(), BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(5)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(vocabulary), **sizes), add_pooling_layer=False).save_pretrained(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "pretrained_folder", lambda: folder)
        yield folder


@pytest.fixture
def losses() -> Callable[[str], list[float]]:
    """The losses that trainings print at their ends."""

    def of(printed: str) -> list[float]:
        return [
            float(line.partition("loss ")[2].partition(",")[0]) for line in printed.splitlines() if ", loss " in line
        ]

    return of
