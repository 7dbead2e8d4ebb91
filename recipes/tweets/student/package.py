"""The package of the student, and its model card."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
from tokenizers import Tokenizer

from recipes.graphs import save_graph
from recipes.packaging import Card, with_quantization, write_about, write_package
from recipes.tweets.data import LABELS, TweetFile, Tweets
from recipes.tweets.encoder.package import NAME as TEACHER
from recipes.tweets.encoder.package import SHIPPED_VERSION
from recipes.tweets.golden import validation_of
from slipway.models.package import Package
from slipway.training.draft import Draft

NAME = "tweet-sentiment"
VERSION = 3
COMMAND = "python -m recipes.tweet_student"
DESCRIPTION = "Whether a tweet is negative, neutral or positive, by a small network taught by a fine-tuned MiniLM."

QUANTIZATION = {
    "method": "int8 rows of pieces, one scale for each column; filters of 7 bits and their answers of 8, one "
    "scale for each filter; the dense layer is float32",
    "description": "The rows are whole numbers when they are looked up, and their scales are part of the "
    "filters' weights. The largest answer that a filter had in training is 255. The quality above is that of "
    "this graph.",
}


def write_student(
    folder: Path,
    graph: onnx.ModelProto,
    tokenizer: Tokenizer,
    *,
    parameters: Mapping[str, Any],
    files: Sequence[TweetFile],
    quality: Sequence[dict[str, Any]],
    checked: Tweets,
) -> Package:
    """Write and seal the package. ``parameters`` has the recipe; ``files`` are the training and the validation file."""
    return write_package(
        folder,
        document=_document(parameters, files) | {"quality": list(quality)},
        graph=graph,
        card=CARD,
        validation=validation_of(checked, files[0].tweets),
        tokenizer=tokenizer.to_str(),
    )


def fill_draft(draft: Draft, graph: onnx.ModelProto, tokenizer: Tokenizer, seed: int) -> Package:
    """The package of a training run."""
    file, pieces = draft.folder / "graph.onnx", draft.folder / "tokenizer.json"
    save_graph(graph, file)
    pieces.write_text(tokenizer.to_str(), encoding="utf-8")
    about = write_about(CARD, draft.folder / "about.md")
    made = draft.from_onnx(file, tokenizer=pieces, seed=seed, description=DESCRIPTION, about=about)
    return with_quantization(made, QUANTIZATION)


def _document(parameters: Mapping[str, Any], files: Sequence[TweetFile]) -> dict[str, Any]:
    training, validation = ({"name": file.name, "rows": len(file.tweets), "sha256": file.sha256} for file in files)
    schedule = dict(parameters["schedule"])
    return {
        "format": 1,
        "name": NAME,
        "version": VERSION,
        "task": "text-classification",
        "description": DESCRIPTION,
        "inputs": [{"name": "text", "type": "string", "description": "One English tweet", "max_characters": 4000}],
        "outputs": {"labels": list(LABELS)},
        "graph": {"file": "model.onnx", "inputs": ["input_ids"], "outputs": ["probabilities"]},
        "tokenizer": "tokenizer.json",
        "quantization": QUANTIZATION,
        "training": {
            "command": COMMAND,
            "data": [training],
            "seed": schedule.pop("seed"),
            "parameters": {**_plain(parameters), "schedule": schedule, "baseline_data": validation},
            "teacher": f"{TEACHER}:{SHIPPED_VERSION}",
        },
    }


def _plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    size = parameters["size"]
    return {**parameters, "size": {**size, "widths": list(size["widths"])}}


CARD = Card(
    intended_use="To sort English tweets and other short, informal texts by their tone, in bulk and cheaply. Not for "
    "decisions about the people who wrote them.",
    data="The 2013-2016 releases of the SemEval Twitter sentiment task, subtask A (train.tsv; the manifest has its row "
    "count and SHA-256), and as many changed forms of each as the manifest's `copies` says. It learnt the "
    f"probabilities that the fine-tuned encoder of `{TEACHER}` gives them; of the tweets' own labels it was told only "
    "how frequent each is. The baseline is measured on those rows of val.tsv, the validation split of TweetEval, that "
    "are not in train.tsv.",
    method="`tokenizer.json` is that of MiniLM without the pieces of foreign scripts, and with common emoji. Each "
    "piece has a row of numbers, which began as what the pretrained encoder makes of the piece alone. Convolutions "
    "over one to four neighbours find patterns; the strongest answer of each filter, and the sum of the rows over the "
    "root of their number, go through one dense layer. The labels' shares in the training tweets are taken out of its "
    "bias, so that the rarer labels are found more often, at the price of some accuracy where most texts are neutral.",
    limits="English of 2013-2016: later events and words are unknown to it, and of emoji it knows what the teacher "
    "makes of them, in changed forms only: the tweets themselves have none. Capitals are not seen. Irony, "
    "quotation and what takes more than a few neighbouring words are missed more often than by its teacher. "
    "val.tsv is of the same years as the training data and overstates quality on later tweets; the figure on "
    "the 2016 rows, by a student and a teacher that saw only earlier years, is the more careful one; the "
    "recipe was chosen on those rows. Scores are not calibrated. Texts are cut at 128 pieces.",
    licence="all-MiniLM-L6-v2, from which the pieces and their first rows come, is Apache-2.0. The tweets belong to "
    "their authors and are not part of the package. Package: Apache-2.0.",
)
