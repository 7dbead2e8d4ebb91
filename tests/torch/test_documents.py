"""docs/import.md and models.md say what works for PyTorch and Hugging Face: their commands are run as they stand."""

from pathlib import Path

from support.documents import follow, section
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import BertConfig, BertForSequenceClassification

from slipway.models.package import load_package


def make_classifier(folder: Path) -> None:
    """A folder as `save_pretrained` writes it, of a classifier that has learned nothing."""
    labels = {0: "negative", 1: "positive"}
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertForSequenceClassification(BertConfig(vocab_size=4, id2label=labels, **sizes)).save_pretrained(folder)
    tokenizer = Tokenizer(WordLevel({"[PAD]": 0, "[UNK]": 1, "day": 2, "rains": 3}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))


def test_pytorch(tmp_path: Path) -> None:
    follow(section("import.md", "PyTorch"), tmp_path)

    manifest = load_package(tmp_path / "models" / "house-price" / "1").manifest
    assert (manifest.task, manifest.outputs.unit) == ("tabular-regression", "1000 euro")


def test_hugging_face(tmp_path: Path) -> None:
    make_classifier(tmp_path / "sentiment-folder")

    follow(section("import.md", "Hugging Face"), tmp_path)

    assert load_package(tmp_path / "models" / "sentiment" / "1").manifest.outputs.labels == ("negative", "positive")


def test_the_short_way_of_pytorch(tmp_path: Path) -> None:
    printed = follow(section("models.md", "A PyTorch module"), tmp_path)

    assert load_package(tmp_path / "models" / "rings" / "1").manifest.outputs.labels == ("inside", "outside")
    assert "accuracy" in printed


def test_the_short_way_of_hugging_face(tmp_path: Path) -> None:
    make_classifier(tmp_path / "my-finetuned-model")

    follow(section("models.md", "A Hugging Face folder"), tmp_path)

    assert load_package(tmp_path / "models" / "reviews" / "1").manifest.outputs.labels == ("negative", "positive")
