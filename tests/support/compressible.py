"""Small models that are really trained, as packages, with the files of records to compress them on."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from tokenizers import Tokenizer
from tokenizers.models import BPE, Unigram, WordPiece
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import ByteLevel, Whitespace
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer, Trainer, UnigramTrainer, WordPieceTrainer

from slipway.models.package import Package
from support.packages import manifest_document, seal

FIELDS = ("height", "width", "depth", "weight")
KINDS = ["no", "yes"]
MOODS = ["negative", "neutral", "positive"]
_WORDS = {
    "negative": ["awful", "terrible", "dreadful", "broken", "sad"],
    "neutral": ["table", "tuesday", "report", "meeting", "paper"],
    "positive": ["lovely", "wonderful", "brilliant", "happy", "great"],
}
_FILLERS = ["the", "a", "was", "and", "really", "weather", "today", "train", "coffee", "we", "had", "it"]


def write_jsonl(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def boxes(count: int = 240) -> tuple[np.ndarray, np.ndarray]:
    """Four numbers each, and whether the box is `yes`: no straight line parts them."""
    values = np.random.default_rng(5).normal(size=(count, len(FIELDS))).astype(np.float32)
    return values, (values[:, 0] * values[:, 1] + values[:, 2] > 0).astype(int)


def box_rows(count: int = 240) -> list[dict[str, Any]]:
    values, labels = boxes(count)
    return [
        {**dict(zip(FIELDS, map(float, row), strict=True)), "label": KINDS[label]}
        for row, label in zip(values, labels, strict=True)
    ]


def make_mlp_package(folder: Path, *, outlier: float = 0.0) -> Package:
    """A network of two hidden layers of 24 units, in its second layer with a weight of ``outlier`` on a dead unit."""
    network = _box_network()
    weights = [weight.astype(np.float32) for weight in network.coefs_]
    biases = [bias.astype(np.float32) for bias in network.intercepts_]
    if outlier:
        weights[0][:, 0] = biases[0][0] = 0
        weights[1][0, 0] = outlier
    folder.mkdir(parents=True)
    onnx.save(mlp_graph(weights, biases), folder / "model.onnx")
    document = {
        **manifest_document("boxes", 1, "tabular-classification"),
        "inputs": [{"name": name, "type": "float"} for name in FIELDS],
        "outputs": {"labels": KINDS},
        "graph": {"file": "model.onnx", "inputs": ["features"], "outputs": ["probabilities"]},
    }
    outputs = [{"label": label, "score": 0.9} for label in KINDS]
    return seal(folder, document, [dict.fromkeys(FIELDS, 0.1), dict.fromkeys(FIELDS, 1.0)], outputs)


@cache
def _box_network() -> MLPClassifier:
    return MLPClassifier((24, 24), solver="lbfgs", alpha=0.1, max_iter=4000, random_state=3).fit(*boxes())


def mlp_graph(weights: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> onnx.ModelProto:
    """Dense layers, one as Gemm with a transposed weight, the others as MatMul and Add; ReLU; softmax of two logits."""
    nodes, constants, value = [], [], "features"
    for number, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        transposed = number == 0
        constants.append(numpy_helper.from_array(weight.T.copy() if transposed else weight, f"w{number}"))
        constants.append(numpy_helper.from_array(bias, f"b{number}"))
        if transposed:
            nodes.append(helper.make_node("Gemm", [value, f"w{number}", f"b{number}"], [f"h{number}"], transB=1))
        else:
            nodes.append(helper.make_node("MatMul", [value, f"w{number}"], [f"m{number}"], name=f"dense{number}"))
            nodes.append(helper.make_node("Add", [f"b{number}", f"m{number}"], [f"h{number}"]))
        value = f"h{number}"
        if number < len(weights) - 1:
            nodes.append(helper.make_node("Relu", [value], [f"a{number}"]))
            value = f"a{number}"
    constants.append(numpy_helper.from_array(np.array([[0, 1]], np.float32), "sides"))
    nodes.append(helper.make_node("Mul", [value, "sides"], ["logits"]))
    nodes.append(helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1))
    return graph_of(nodes, constants, {"features": (TensorProto.FLOAT, ["batch", weights[0].shape[0]])}, 2)


def graph_of(
    nodes: Sequence[onnx.NodeProto],
    constants: Sequence[onnx.TensorProto],
    inputs: Mapping[str, tuple[int, Sequence[Any]]],
    labels: int,
) -> onnx.ModelProto:
    """A checked graph that answers `probabilities`."""
    values = [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()]
    outputs = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", labels])]
    graph = helper.make_graph(list(nodes), "test", values, outputs, initializer=list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model


def mood_rows(count: int = 240, seed: int = 1) -> list[dict[str, Any]]:
    """Sentences of fillers with two words of a mood."""
    draw = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        mood = MOODS[draw.integers(3)]
        words = [*draw.choice(_FILLERS, 5), *draw.choice(_WORDS[mood], 2)]
        rows.append({"text": " ".join(draw.permutation(words)), "label": mood})
    return rows


def tokenizer_of(kind: str, texts: Sequence[str]) -> Tokenizer:
    """A trained tokenizer with `[CLS]` before each text, padding and truncation."""
    special = ["[PAD]", "[UNK]", "[CLS]"]
    shared: dict[str, Any] = {"vocab_size": 400, "special_tokens": special, "show_progress": False}
    trainers: dict[str, tuple[Any, Any, Trainer]] = {
        "WordPiece": (WordPiece(unk_token="[UNK]"), Whitespace(), WordPieceTrainer(**shared)),
        "BPE": (BPE(unk_token="[UNK]"), Whitespace(), BpeTrainer(**shared)),
        "ByteLevel": (
            BPE(),
            ByteLevel(add_prefix_space=True),
            BpeTrainer(**shared, initial_alphabet=ByteLevel.alphabet()),
        ),
        "Unigram": (Unigram(), Whitespace(), UnigramTrainer(**{**shared, "vocab_size": 120}, unk_token="[UNK]")),
    }
    model, cut, trainer = trainers[kind]
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = cut
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A", special_tokens=[("[CLS]", tokenizer.token_to_id("[CLS]"))]
    )
    tokenizer.enable_truncation(64)
    tokenizer.enable_padding(pad_id=tokenizer.token_to_id("[PAD]"), pad_token="[PAD]")
    return tokenizer


def make_mood_package(folder: Path, kind: str = "WordPiece", width: int = 16) -> Package:
    """Embeddings, a residual dense block with GELU, the mean over the mask, and a trained linear layer."""
    rows = mood_rows()
    # Words that no text of `mood_rows` has, which pruning can do without.
    others = ["xylophone orchestra", "quantum chromodynamics", "jurisprudence", "zoological gardens"] * 8
    tokenizer = tokenizer_of(kind, [row["text"] for row in rows] + others)
    draw = np.random.default_rng(2)
    constants = {
        "embedding": _embedding(tokenizer, width),
        "up": draw.normal(size=(width, 4 * width)) / 4,
        "up_bias": draw.normal(size=4 * width) / 4,
        "down": draw.normal(size=(4 * width, width)) / 16,
    }
    pooled = _run_pooled(constants, tokenizer, rows)
    linear = LogisticRegression(C=10, max_iter=500).fit(pooled, [MOODS.index(row["label"]) for row in rows])
    constants |= {"out": linear.coef_.T, "out_bias": linear.intercept_}
    folder.mkdir(parents=True)
    onnx.save(_mood_graph(constants, ["out", "probabilities"]), folder / "model.onnx")
    tokenizer.save(str(folder / "tokenizer.json"))
    document = {
        **manifest_document("moods", 1, "text-classification"),
        "inputs": [{"name": "text", "type": "string"}],
        "outputs": {"labels": MOODS},
        "graph": {"file": "model.onnx", "inputs": ["input_ids", "attention_mask"], "outputs": ["probabilities"]},
        "tokenizer": "tokenizer.json",
    }
    outputs = [{"label": label, "score": 0.9} for label in MOODS]
    return seal(folder, document, [{"text": "sad"}, {"text": "paper"}, {"text": "happy"}], outputs)


def _embedding(tokenizer: Tokenizer, width: int) -> np.ndarray:
    """A row for each token that is the token's own: training a tokenizer gives equal candidates ids by chance."""
    ids = tokenizer.get_vocab()
    tokens = sorted(ids, key=ids.__getitem__)
    return np.stack([np.random.default_rng(crc32(token.encode())).normal(size=width) for token in tokens])


def _run_pooled(constants: Mapping[str, np.ndarray], tokenizer: Tokenizer, rows: Sequence[Mapping[str, Any]]) -> Any:
    from onnx.reference import ReferenceEvaluator

    encodings = tokenizer.encode_batch([row["text"] for row in rows])
    tensors = {
        "input_ids": np.array([encoding.ids for encoding in encodings]),
        "attention_mask": np.array([encoding.attention_mask for encoding in encodings]),
    }
    return ReferenceEvaluator(_mood_graph(constants, [])).run(["pooled"], tensors)[0]


def _mood_graph(constants: Mapping[str, np.ndarray], head: Sequence[str]) -> onnx.ModelProto:
    scalars = {"root2": np.float32(np.sqrt(2)), "one": np.float32(1), "half": np.float32(0.5)}
    tensors = [
        numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in {**constants, **scalars}.items()
    ]
    axes = {"last": [2], "length_axis": [1]}
    tensors += [numpy_helper.from_array(np.array(axis, np.int64), name) for name, axis in axes.items()]
    make = helper.make_node
    nodes = [
        make("Gather", ["embedding", "input_ids"], ["embedded"], name="lookup"),
        make("MatMul", ["embedded", "up"], ["raised"], name="up_dense"),
        make("Add", ["raised", "up_bias"], ["biased"]),
        # GELU as exporters write it: x · (1 + erf(x / √2)) / 2.
        make("Div", ["biased", "root2"], ["divided"]),
        make("Erf", ["divided"], ["erf"]),
        make("Add", ["erf", "one"], ["shifted"]),
        make("Mul", ["biased", "shifted"], ["product"]),
        make("Mul", ["product", "half"], ["gelu"]),
        make("MatMul", ["gelu", "down"], ["lowered"], name="down_dense"),
        make("Add", ["lowered", "embedded"], ["hidden"]),
        make("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        make("Unsqueeze", ["mask", "last"], ["mask3"]),
        make("Mul", ["hidden", "mask3"], ["masked"]),
        make("ReduceSum", ["masked", "length_axis"], ["summed"], keepdims=0),
        make("ReduceSum", ["mask", "length_axis"], ["length"], keepdims=1),
        make("Div", ["summed", "length"], ["pooled"]),
    ]
    outputs: list[tuple[str, list[Any]]] = [("pooled", ["batch", constants["down"].shape[1]])]
    if head:
        nodes.append(make("Gemm", ["pooled", "out", "out_bias"], ["logits"], name="out_dense"))
        nodes.append(make("Softmax", ["logits"], ["probabilities"], axis=-1))
        outputs = [("probabilities", ["batch", 3])]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    declared = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs]
    graph = helper.make_graph(nodes, "moods", inputs, declared, initializer=tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
