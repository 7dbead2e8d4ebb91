"""Remove rare tokens from a tokenizer and from the embedding tables of a graph.

The text of a removed token is split into smaller pieces, as the tokenizer splits any unknown word.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from slipway.errors import InputError, PackageError
from slipway.models.extras import need

_IDS = "input_ids"
# Operations that pass ids on, and operations that read only their number or (`Sign`) whether one is 0.
_PASS = frozenset(("Cast", "Identity"))
_HARMLESS = frozenset(("Shape", "Sign", "Size"))
_BYTE = re.compile(r"<0x[0-9A-Fa-f]{2}>")

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The old ids that are kept, in order; their positions are the new ids."""

    kept: tuple[int, ...]
    size: int

    @property
    def new_ids(self) -> dict[int, int]:
        """The new id of each old one."""
        return {old: new for new, old in enumerate(self.kept)}


def choose_tokens(document: Document, counts: Mapping[int, int], least: int) -> Vocabulary:
    """Keep tokens seen at least ``least`` times, special tokens, single characters, and pieces that merges need.

    ``document`` is a tokenizer.json, ``counts`` the occurrences of each id in the texts.

    Raises:
        InputError: the kind of tokenizer is not supported.
    """
    ids = _ids(document)
    kept = {index for index, count in counts.items() if count >= least}
    kept |= {0} | _named_ids(document)
    kept |= {ids[piece] for piece in _single_pieces(document, ids)}
    if document["model"]["type"] == "BPE":
        kept = _with_ancestors(document["model"], ids, kept)
    return Vocabulary(tuple(sorted(kept & set(ids.values()))), max(ids.values()) + 1)


def count_tokens(path: Path, texts: Iterable[str]) -> Counter[int]:
    """The occurrences of each id in ``texts``, without special tokens; texts are not truncated."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    encodings = tokenizer.encode_batch(list(texts), add_special_tokens=False)
    return Counter(index for encoding in encodings for index in encoding.ids)


def read_tokenizer_document(path: Path) -> Document:
    """Read a tokenizer.json; raises PackageError if it has no vocabulary."""
    try:
        document: Document = json.loads(path.read_text(encoding="utf-8"))
        _ = document["model"]["type"], document["model"]["vocab"]
    except (ValueError, KeyError, TypeError) as error:
        raise PackageError(path, f"is not a tokenizer.json with a vocabulary: {error}") from error
    return document


def prune_tokenizer(document: Document, vocabulary: Vocabulary) -> Document:
    """The tokenizer.json with only the kept tokens under their new ids."""
    new, model = vocabulary.new_ids, dict(document["model"])
    if model["type"] == "Unigram":
        model["vocab"] = [model["vocab"][old] for old in vocabulary.kept if old < len(model["vocab"])]
        if model.get("unk_id") is not None:
            model["unk_id"] = new[model["unk_id"]]
    else:
        model["vocab"] = {piece: new[old] for piece, old in model["vocab"].items() if old in new}
    if model["type"] == "BPE":
        model["merges"] = [merge for merge in model["merges"] if set(_merge(model, merge)) <= set(model["vocab"])]
    added = [{**token, "id": new[token["id"]]} for token in document.get("added_tokens", ())]
    pruned = {**document, "model": model, "added_tokens": added}
    if pruned.get("padding"):
        pruned["padding"] = {**pruned["padding"], "pad_id": new[pruned["padding"]["pad_id"]]}
    pruned["post_processor"] = _renumbered(document.get("post_processor"), new)
    return pruned


def prune_tables(model: Any, vocabulary: Vocabulary) -> list[str]:
    """Remove rows from every table of ``model`` indexed by `input_ids`; returns the tables' names.

    Raises:
        InputError: the graph computes with the ids, or has no such table.
    """
    onnx = need("onnx", "import")
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    tables = _tables(model, tensors)
    for name in tables:
        array = onnx.numpy_helper.to_array(tensors[name])
        if len(array) < vocabulary.size:
            raise InputError.of(
                "--vocabulary", f"{name} has {len(array)} rows, but the tokenizer has {vocabulary.size} ids"
            )
        smaller = np.ascontiguousarray(array[list(vocabulary.kept)])
        tensors[name].CopyFrom(onnx.numpy_helper.from_array(smaller, name))
    del model.graph.value_info[:]
    return tables


def _tables(model: Any, tensors: Mapping[str, Any]) -> list[str]:
    """The tables indexed by ids; raises InputError if the graph uses ids in any other way."""
    found: list[str] = []
    waiting = [_IDS]
    while waiting:
        value = waiting.pop()
        for node in model.graph.node:
            if value not in node.input or node.op_type in _HARMLESS:
                continue
            if node.op_type in _PASS:
                waiting.append(node.output[0])
            elif _is_lookup(node, value, tensors):
                found.append(node.input[0])
            else:
                raise InputError.of(
                    "--vocabulary",
                    f"the vocabulary cannot be pruned: the graph computes with the ids ({node.op_type} {node.name}, as "
                    "hashed n-grams do) or looks them up in a quantized table",
                )
    tables = list(dict.fromkeys(found))
    if not tables:
        raise InputError.of("--vocabulary", f"the graph has no table indexed by {_IDS}")
    readers = Counter(name for node in model.graph.node for name in set(node.input))
    if shared := [name for name in tables if readers[name] != found.count(name)]:
        raise InputError.of("--vocabulary", f"{', '.join(shared)} cannot lose rows because other nodes use it, too")
    return tables


def _is_lookup(node: Any, value: str, tensors: Mapping[str, Any]) -> bool:
    axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)
    return node.op_type == "Gather" and axis == 0 and node.input[1] == value and node.input[0] in tensors


def _ids(document: Document) -> dict[str, int]:
    """The id of every token, including those added to the model's vocabulary."""
    model = document["model"]
    if model["type"] not in _KINDS:
        raise InputError.of(
            "--vocabulary", f"a {model['type']} tokenizer is not supported; supported are {', '.join(_KINDS)}"
        )
    own = _KINDS[model["type"]](model["vocab"])
    return {**own, **{token["content"]: token["id"] for token in document.get("added_tokens", ())}}


def _listed(vocab: Sequence[Sequence[Any]]) -> dict[str, int]:
    return {piece: index for index, (piece, _) in enumerate(vocab)}


_KINDS: dict[str, Callable[[Any], dict[str, int]]] = {
    "BPE": dict,
    "Unigram": _listed,
    "WordLevel": dict,
    "WordPiece": dict,
}


def _named_ids(document: Document) -> set[int]:
    """The ids that the tokenizer itself refers to: special and added tokens, padding, unknown, the template's."""
    model, ids = document["model"], _ids(document)
    named = {token["id"] for token in document.get("added_tokens", ())} | _numbers(document.get("post_processor"))
    named |= {(document.get("padding") or {}).get("pad_id", 0)}
    if model.get("unk_token") in ids:
        named.add(ids[model["unk_token"]])
    if model.get("unk_id") is not None:
        named.add(model["unk_id"])
    return named


def _numbers(processor: Any) -> set[int]:
    """The token ids in a post-processor: `[token, id]` pairs, and the `ids` of a template's special tokens."""
    found: set[int] = set()
    _renumbered(processor, _Collector(found))
    return found


class _Collector(dict[int, int]):
    """A map of ids to themselves that records the ids looked up."""

    def __init__(self, found: set[int]) -> None:
        super().__init__()
        self._found = found

    def __missing__(self, key: int) -> int:
        self._found.add(key)
        return key


def _renumbered(part: Any, new: Mapping[int, int]) -> Any:
    """A post-processor with new ids. A `[text, number]` pair is a token with its id."""
    if isinstance(part, dict):
        return {
            key: [new[index] for index in value] if key == "ids" else _renumbered(value, new)
            for key, value in part.items()
        }
    if isinstance(part, list):
        if len(part) == 2 and isinstance(part[0], str) and isinstance(part[1], int):
            return [part[0], new[part[1]]]
        return [_renumbered(value, new) for value in part]
    return part


def _single_pieces(document: Document, ids: Mapping[str, int]) -> list[str]:
    """The pieces of one character, with or without word markers, and of one byte."""
    model = document["model"]
    before = (model.get("continuing_subword_prefix") or "", "\u2581")
    after = model.get("end_of_word_suffix") or ""

    def bare(piece: str) -> str:
        for prefix in before:
            if prefix and len(piece) > len(prefix):
                piece = piece.removeprefix(prefix)
        return piece.removesuffix(after) if after and len(piece) > len(after) else piece

    return [piece for piece in ids if len(bare(piece)) == 1 or _BYTE.fullmatch(piece)]


def _merge(model: Document, merge: str | Sequence[str]) -> tuple[str, str, str]:
    """The left part, right part and result of a merge, in either format of tokenizer.json."""
    left, right = merge.split(" ") if isinstance(merge, str) else merge
    prefix = model.get("continuing_subword_prefix") or ""
    return left, right, left + (right.removeprefix(prefix) if prefix else right)


def _with_ancestors(model: Document, ids: Mapping[str, int], kept: set[int]) -> set[int]:
    """Add the pieces that kept pieces are merged from, without which these could not be produced."""
    parts: dict[int, list[int]] = {}
    for merge in model["merges"]:
        left, right, result = _merge(model, merge)
        parts.setdefault(ids[result], []).extend((ids[left], ids[right]))
    whole, waiting = set(kept), list(kept)
    while waiting:
        for part in parts.get(waiting.pop(), ()):
            if part not in whole:
                whole.add(part)
                waiting.append(part)
    return whole
