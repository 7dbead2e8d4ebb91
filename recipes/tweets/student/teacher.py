"""The teacher of the student: the fine-tuned encoder in int8, with its answers cached on disk."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer

from recipes.graphs import save_graph
from recipes.packaging import sha256
from recipes.tweets.encoder.network import SentimentEncoder, pad
from recipes.tweets.encoder.package import graph

BATCH = 32
PART = 2048


@dataclass(frozen=True)
class Teacher:
    """A graph from ids and mask to probabilities, with its tokenizer."""

    session: onnxruntime.InferenceSession
    tokenizer: Tokenizer

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """Probabilities [N, labels], in batches of similar length."""
        tokens = [encoding.ids for encoding in self.tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(tokens)), key=lambda row: len(tokens[row]))
        parts = [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
        found = np.vstack([self._batch([tokens[row] for row in rows]) for rows in parts])
        return found[np.argsort(order)]

    def _batch(self, tokens: Sequence[Sequence[int]]) -> np.ndarray:
        ids, mask = pad(tokens)
        answers: np.ndarray = self.session.run(None, {"input_ids": ids.numpy(), "attention_mask": mask.numpy()})[0]
        return answers


def write_teacher(model: SentimentEncoder, file: Path) -> None:
    """Write the model in int8, twice as fast as float32; only the student uses it, so no operator stays in float."""
    exact = file.with_suffix(".float.onnx")
    exact.parent.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng():
        save_graph(graph(model), exact)
    draft = file.with_suffix(".draft.onnx")
    quantize_dynamic(exact, draft, per_channel=True, weight_type=QuantType.QInt8)
    draft.replace(file)
    exact.unlink()


def open_teacher(file: Path, tokenizer: Tokenizer) -> Teacher:
    """Open a graph of `write_teacher` with one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return Teacher(onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"]), tokenizer)


def answers(teacher: Teacher, texts: Sequence[str], kept: Path) -> np.ndarray:
    """The teacher's probabilities [N, labels], resuming from those cached at ``kept``, in a file per set of texts."""
    file = kept.with_name(f"{kept.name}-{sha256(chr(10).join(texts).encode())[:12]}.npy")
    found = np.load(file) if file.exists() else np.zeros((0, 0), np.float32)
    started, before = time.monotonic(), len(found)
    while len(found) < len(texts):
        more = teacher.probabilities(texts[len(found) : len(found) + PART])
        found = np.vstack([found, more]) if len(found) else more
        _keep(found, file)
        left = (time.monotonic() - started) / (len(found) - before) * (len(texts) - len(found))
        print(f"{file.name}: {len(found)} of {len(texts)} texts, {left / 60:.0f} min left", flush=True)
    return found


def _keep(found: np.ndarray, file: Path) -> None:
    draft = file.with_suffix(".draft.npy")
    np.save(draft, found)
    draft.replace(file)
