"""Import a Hugging Face folder of a sequence classifier: config.json, model.safetensors, tokenizer.json."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slipway.config import FeatureType
from slipway.errors import CheckFailedError, InputError, PackageError
from slipway.models.extras import need
from slipway.models.importing.samples import Samples
from slipway.models.importing.source import Column, Exported, Fields, Traits, Values
from slipway.models.importing.sources.torch_export import export_module
from slipway.models.importing.tokens import encode_one, read_tokenizer
from slipway.models.manifest import Record

_INPUTS = ("input_ids", "attention_mask")
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
_MULTI_LABEL = {"multi_label_classification": True, "single_label_classification": False}
"""By `problem_type`, which folders that were never trained with transformers lack."""
# transformers sets `model_max_length` above this if the length is unknown.
_MOST_TOKENS = 1_000_000


class HuggingFaceFolder:
    """A folder on disk; nothing is downloaded, none of its code is run, and no pickle is read."""

    frameworks = ("transformers", "torch", "onnx")

    def __init__(self, folder: Path, *, max_tokens: int | None = None) -> None:
        """Open the model in float32.

        Raises:
            PackageError: a file is missing or malformed, or the weights are only in a pickle.
            InputError: the model is not a text classifier.
        """
        self._config = _read_config(folder)
        _require_safetensors(folder)
        limit = max_tokens or _limit(folder, self._config)
        pad = self._config.get("pad_token_id")
        self._tokenizer = read_tokenizer(folder / "tokenizer.json", most=limit, pad_id=pad)
        self._model = _load(folder)
        self._labels = _labels(self._model.config)
        _require_embeddings(self._tokenizer, self._model.config)

    @property
    def kind(self) -> str:
        """E.g. ``Hugging Face BertForSequenceClassification``."""
        return f"Hugging Face {type(self._model).__name__}"

    def examples(self, names: Sequence[str]) -> Samples | None:
        """None: the folder has no data."""

    def traits(self, samples: Samples | None) -> Traits:
        """One text input, named after the samples' column if they have only one."""
        columns = samples.columns if samples is not None else ()
        name = columns[0] if len(columns) == 1 else "text"
        column = Column(name, FeatureType.STRING, is_text=True, nullable=False)
        labels, is_multi_label = self._labels, _MULTI_LABEL.get(self._model.config.problem_type)
        return Traits((column,), "text-classification", labels, "logits", len(labels), is_multi_label)

    def answers(self, records: Sequence[Record], fields: Fields) -> Values:
        """Logits ``[records, labels]``, each text alone and so without padding."""
        torch = need("torch", "torch")
        found = []
        for record in records:
            tensors = encode_one(self._tokenizer, str(record[fields.names[0]]), _INPUTS)
            try:
                with torch.inference_mode():
                    answer = self._model(**{name: torch.from_numpy(tensor) for name, tensor in tensors.items()})
            except (RuntimeError, IndexError, ValueError) as error:
                length = tensors["input_ids"].shape[1]
                raise CheckFailedError(f"the model fails on {length} tokens ({error}); try --max-tokens") from error
            found.append(answer.logits.double().numpy())
        return np.concatenate(found)

    def export(self, _fields: Fields) -> Exported:
        """`input_ids` and `attention_mask` in, logits out."""
        torch = need("torch", "torch")
        tokens = torch.ones((2, 8), dtype=torch.int64)
        dynamic = {0: "batch", 1: "tokens"}
        with tempfile.TemporaryDirectory() as folder:
            draft = export_module(_logits_only(self._model), (tokens, tokens), _INPUTS, dynamic, Path(folder))
        return Exported(draft, str(self._tokenizer.to_str(pretty=True)))


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PackageError(path, f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise PackageError(path, f"is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise PackageError(path, "must be a JSON object")
    if "auto_map" in document:
        raise PackageError(
            path, "refers to its own code (auto_map), which is not run; import the model as a PyTorch module"
        )
    return document


def _require_safetensors(folder: Path) -> None:
    if any((folder / name).is_file() for name in _WEIGHTS):
        return
    pickles = sorted(path.name for path in folder.glob("*.bin"))
    if pickles:
        message = (
            "is a pickle, which can run arbitrary code; save the model with save_pretrained, which writes safetensors"
        )
        raise PackageError(folder / pickles[0], message)
    raise PackageError(folder / _WEIGHTS[0], "is missing")


def _load(folder: Path) -> Any:
    transformers = need("transformers", "torch")
    need("safetensors", "torch")
    torch = need("torch", "torch")
    transformers.utils.logging.disable_progress_bar()
    try:
        model, report = transformers.AutoModelForSequenceClassification.from_pretrained(
            str(folder),
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            dtype=torch.float32,
            attn_implementation="eager",
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise PackageError(folder, f"cannot be opened as a sequence classifier: {error}") from error
    if missing := sorted(report["missing_keys"]):
        raise PackageError(
            folder, f"has no weights for {', '.join(missing[:5])}: it is not a trained sequence classifier"
        )
    return model.eval()


def _labels(config: Any) -> tuple[str, ...]:
    if config.problem_type == "regression":
        message = "the model is for a regression of texts (problem_type regression), which is not supported"
        raise InputError.of("--hugging-face", message)
    if config.num_labels < 2:
        raise InputError.of("--hugging-face", f"the model has {config.num_labels} label; at least two are needed")
    if missing := [index for index in range(config.num_labels) if index not in config.id2label]:
        there = ", ".join(map(str, config.id2label))
        message = f"id2label has no label for output {missing[0]}; outputs are numbered from 0, and it has {there}"
        raise InputError.of("--hugging-face", message)
    return tuple(str(config.id2label[index]) for index in range(config.num_labels))


def _require_embeddings(tokenizer: Any, config: Any) -> None:
    """Refuse a tokenizer whose ids exceed the embeddings; the graph would fail at the first text with such a token."""
    rows, vocabulary = getattr(config, "vocab_size", None), tokenizer.get_vocab()
    beyond = {token: id for token, id in vocabulary.items() if rows is not None and id >= rows}
    if beyond:
        token, id = max(beyond.items(), key=lambda item: item[1])
        message = (
            f"the tokenizer has {len(beyond)} token(s) without an embedding, e.g. {token!r} with id {id}, but the "
            f"model has {rows} embeddings; call resize_token_embeddings and train, or save the tokenizer without them"
        )
        raise InputError.of("--hugging-face", message)


def _limit(folder: Path, config: dict[str, Any]) -> int | None:
    """The most tokens that the model takes: the tokenizer's limit, at most the number of positions."""
    positions = config.get("max_position_embeddings")
    offset = config.get("pad_token_id") or 0
    # RoBERTa and its descendants number positions from the padding token's id.
    if positions and "roberta" in str(config.get("model_type")) + str(config.get("architectures")).lower():
        positions -= offset + 1
    path = folder / "tokenizer_config.json"
    stated = json.loads(path.read_text(encoding="utf-8")).get("model_max_length") if path.is_file() else None
    limits = [int(limit) for limit in (positions, stated) if limit and limit < _MOST_TOKENS]
    return min(limits, default=None)


def _logits_only(model: Any) -> Any:
    torch = need("torch", "torch")

    class Logits(torch.nn.Module):  # type: ignore[misc,name-defined]  # not imported by name
        """Returns the logits alone, because the exporter needs tensors and transformers returns an object."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            return self.model(input_ids=input_ids, attention_mask=attention_mask).logits

    return Logits().eval()
