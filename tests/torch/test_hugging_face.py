"""Hugging Face folders become packages: the weights, the tokenizer and the labels from disk."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertForSequenceClassification, RobertaConfig, RobertaForSequenceClassification

from slipway.errors import InputError, PackageError
from slipway.models.prediction.predictor import Predictor

LABELS = {0: "negative", 1: "neutral", 2: "positive"}
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "bad", "day", "sun", "rain", "##ny", "!", ","]
TEXTS = ["Good day, sunny!", "bad", "Rain and rain and rain, all day", "good sun good sun bad rain"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny BERT as `save_pretrained` writes it, with positions for 32 tokens."""
    return save(tmp_path / "bert", make_bert())


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.jsonl"
    labels = ["positive", "negative", "negative", "neutral"]
    rows = [json.dumps({"text": text, "label": label}) for text, label in zip(TEXTS, labels, strict=True)]
    path.write_text("\n".join(rows) + "\n")
    return path


def make_bert(**changes: Any) -> Any:
    torch.manual_seed(5)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    options = {"vocab_size": len(WORDS), "max_position_embeddings": 32, "initializer_range": 0.5, "id2label": LABELS}
    return BertForSequenceClassification(BertConfig(**{**sizes, **options, **changes}))


def save(folder: Path, model: Any) -> Path:
    model.save_pretrained(folder)
    tokenizer = Tokenizer(WordPiece({word: index for index, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer()
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def test_a_sequence_classifier(run: Any, folder: Path, texts: Path) -> None:
    made = run(hugging_face=folder, records=texts)

    manifest = made.package.manifest
    assert manifest.task == "text-classification"
    assert manifest.outputs.labels == ("negative", "neutral", "positive")
    assert [field.name for field in manifest.inputs] == ["text"]
    assert manifest.inputs[0].allowed is None
    assert manifest.graph.inputs == ("input_ids", "attention_mask")
    assert made.difference < 1e-5
    assert made.records == len(TEXTS) + 1
    assert "accuracy" in {entry.metric for entry in manifest.quality}


def test_the_package_answers_as_transformers_does(run: Any, folder: Path, texts: Path) -> None:
    predictor = Predictor(run(hugging_face=folder, records=texts).package)

    outputs = predictor.predict([{"text": text} for text in TEXTS])

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    model = BertForSequenceClassification.from_pretrained(folder).eval()
    for text, output in zip(TEXTS, outputs, strict=True):
        with torch.inference_mode():
            expected = model(torch.tensor([tokenizer.encode(text).ids])).logits.softmax(-1)[0].tolist()
        assert list(output["scores"].values()) == pytest.approx(expected, abs=1e-5)


def test_texts_are_cut_where_the_model_ends(run: Any, folder: Path, texts: Path) -> None:
    package = run(hugging_face=folder, records=texts).package

    tokenizer = json.loads((package.folder / "tokenizer.json").read_text())
    assert tokenizer["truncation"]["max_length"] == 32
    Predictor(package).predict([{"text": "good " * 500}])


def test_roberta_numbers_its_positions_from_the_padding_on(run: Any, texts: Path, tmp_path: Path) -> None:
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = RobertaConfig(vocab_size=len(WORDS), max_position_embeddings=34, pad_token_id=1, num_labels=2, **sizes)
    folder = save(tmp_path / "roberta", RobertaForSequenceClassification(config))

    plain = tmp_path / "plain.csv"
    plain.write_text("tweet\n" + "\n".join(f'"{text}"' for text in TEXTS))
    package = run(hugging_face=folder, records=plain, labels=("negative", "positive")).package

    tokenizer = json.loads((package.folder / "tokenizer.json").read_text())
    assert tokenizer["truncation"]["max_length"] == 32
    assert package.manifest.inputs[0].name == "tweet"


def test_a_pickle_is_refused_unread(run: Any, folder: Path, texts: Path, tmp_path: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04 would run code if it were read")

    with pytest.raises(PackageError, match=r"pytorch_model\.bin: is a pickle"):
        run(hugging_face=folder, records=texts)
    assert not (tmp_path / "models").exists()


def test_code_in_the_folder_is_not_run(run: Any, folder: Path, texts: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "modeling.Model"}}))

    with pytest.raises(PackageError, match="its own code"):
        run(hugging_face=folder, records=texts)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_named(run: Any, folder: Path, texts: Path, name: str) -> None:
    (folder / name).unlink()

    with pytest.raises(PackageError, match=name.replace(".", r"\.")):
        run(hugging_face=folder, records=texts)


def test_weights_of_something_else_are_refused(run: Any, folder: Path, texts: Path) -> None:
    make_bert().bert.save_pretrained(folder)

    with pytest.raises(PackageError, match="not a trained sequence classifier"):
        run(hugging_face=folder, records=texts)


def test_a_regression_is_refused(run: Any, texts: Path, tmp_path: Path) -> None:
    folder = save(tmp_path / "one", make_bert(id2label={0: "score"}))

    with pytest.raises(InputError, match="at least two are needed"):
        run(hugging_face=folder, records=texts)


@pytest.mark.parametrize("stated", [True, False])
def test_labels_that_exclude_no_other(run: Any, tmp_path: Path, stated: bool) -> None:
    kind = {"problem_type": "multi_label_classification"} if stated else {}
    model = make_bert(**kind).eval()
    flags = [(1, 0, 1), (0, 0, 0), (1, 1, 1), (0, 1, 0)]
    rows = tmp_path / "texts.jsonl"
    pairs = zip(TEXTS, flags, strict=True)
    lines = [{"text": text, **dict(zip(LABELS.values(), row, strict=True))} for text, row in pairs]
    rows.write_text("".join(json.dumps(line) + "\n" for line in lines))

    made = run(hugging_face=save(tmp_path / "bert", model), records=rows, multi_label=not stated)

    manifest = made.package.manifest
    assert (manifest.task, manifest.outputs.multi_label) == ("text-classification", True)
    assert {entry.metric for entry in manifest.quality} >= {"micro_f1", "macro_f1"}
    (answer,) = Predictor(made.package).predict([{"text": "good day"}])
    with torch.inference_mode():
        ids = torch.tensor([[2, 4, 6, 3]])
        wanted = torch.sigmoid(model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits)[0].tolist()
    assert list(answer["scores"].values()) == pytest.approx(wanted, abs=1e-5)
    assert answer["labels"] == [name for name, score in answer["scores"].items() if score > 0.5]


def test_one_label_is_not_made_several(run: Any, tmp_path: Path, texts: Path) -> None:
    folder = save(tmp_path / "bert", make_bert(problem_type="single_label_classification"))

    with pytest.raises(InputError, match="--multi-label: the model gives a record one label"):
        run(hugging_face=folder, records=texts, multi_label=True)
