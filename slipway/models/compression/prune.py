"""Remove hidden units from a graph and tokens from a vocabulary: shapes shrink instead of filling with zeros."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.errors import CheckFailedError, InputError
from slipway.models.compression.bench import Bench, within
from slipway.models.compression.job import Change, Compressed, CompressionJob, compress
from slipway.models.compression.units import HiddenLayer, hidden_layers, without_units
from slipway.models.compression.vocabulary import (
    choose_tokens,
    count_tokens,
    prune_tables,
    prune_tokenizer,
    read_tokenizer_document,
)
from slipway.models.extras import need
from slipway.models.gates.labelled import Labelled, read_given
from slipway.models.package import Package

_STEPS = 20


@dataclass(frozen=True, slots=True)
class Pruning:
    """How to prune.

    ``units`` is the share of each dense layer's hidden units to remove, or ``auto``: the largest multiple of 5 % within
    the budget. ``least`` removes tokens that occur fewer times in ``texts``, a file of records, else the order's data.
    """

    units: float | str | None = None
    least: int | None = None
    texts: Path | None = None


@dataclass(frozen=True, slots=True)
class _Done:
    summary: str
    parameters: dict[str, Any]
    used: tuple[Labelled, ...] = ()


def prune(job: CompressionJob, how: Pruning) -> Compressed:
    """Prune a package, first its vocabulary, then its hidden units.

    Raises:
        InputError: neither is given, or the package has nothing of that kind to prune.
        CheckFailedError: the drop exceeds the budget, or nothing could be removed within it.
        MissingExtraError: `onnx` is not installed.
    """
    onnx = need("onnx", "import")
    _check(job.original, how)

    def make(draft: Package, bench: Bench) -> Change:
        model = onnx.load(job.original.path(job.original.manifest.graph.file))
        done = []
        if how.least is not None:
            done.append(_prune_vocabulary(draft, model, bench, how.least, how.texts))
        if how.units is not None:
            done.append(_Units(draft, model, bench).prune(how.units, job.max_drop))
        else:
            _write(draft, model)
        return Change(
            summary=" ".join(part.summary for part in done),
            parameters={key: value for part in done for key, value in part.parameters.items()},
            used=tuple(data for part in done for data in part.used),
        )

    return compress(job, make)


def _check(package: Package, how: Pruning) -> None:
    if how.units is None and how.least is None:
        raise InputError.of("--units", "give a share or `auto`, --vocabulary with a number of occurrences, or both")
    if isinstance(how.units, str) and how.units != "auto":
        raise InputError.of("--units", f"{how.units!r} is neither a share between 0 and 1 nor `auto`")
    if isinstance(how.units, float) and not 0 < how.units < 1:
        raise InputError.of("--units", f"must be between 0 and 1 (got {how.units:g})")
    if how.least is not None and package.manifest.tokenizer is None:
        raise InputError.of("--vocabulary", f"{package.manifest.name} has no tokenizer")


def _write(draft: Package, model: Any) -> Package:
    draft.path(draft.manifest.graph.file).write_bytes(model.SerializeToString(deterministic=True))
    return draft


def _prune_vocabulary(draft: Package, model: Any, bench: Bench, least: int, texts: Path | None) -> _Done:
    """Remove rare tokens from ``model`` and the draft's tokenizer."""
    manifest = draft.manifest
    data = read_given(texts, manifest) if texts else bench.data
    field = manifest.inputs[0].name
    path = draft.path(manifest.tokenizer or "")
    document = read_tokenizer_document(path)
    counts = count_tokens(path, [str(record[field]) for record in data.records])
    vocabulary = choose_tokens(document, counts, least)
    tables = prune_tables(model, vocabulary)
    pruned = prune_tokenizer(document, vocabulary)
    path.write_text(json.dumps(pruned, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    return _Done(
        f"{len(vocabulary.kept):,} of {vocabulary.size:,} tokens are kept: those that occur at least {least} times in "
        f"{data.name} ({len(data.records):,} records), special tokens, single characters and the pieces that kept "
        f"tokens are merged from. The rows of the others are removed from {', '.join(tables)}; their text is now "
        "split into smaller pieces.",
        {"tokens": len(vocabulary.kept), "tokens_before": vocabulary.size, "least_occurrences": least},
        (data,),
    )


class _Units:
    """Removes hidden units from ``model`` and writes the draft's graph."""

    def __init__(self, draft: Package, model: Any, bench: Bench) -> None:
        self._draft = draft
        self._model = model
        self._bench = bench
        self._layers: Sequence[HiddenLayer] = hidden_layers(model)
        if not self._layers:
            raise InputError.of(
                "--units",
                "the graph has no dense layer whose units are read only by element-wise operations and dense layers "
                "(float weights; prune before you quantize)",
            )

    def prune(self, units: float | str, max_drop: float) -> _Done:
        """Remove the given share, or the largest one within the budget."""
        share = units if isinstance(units, float) else self._largest(max_drop)
        removed = self._remove(share)
        total = sum(layer.width for layer in self._layers)
        if not removed:
            raise InputError.of("--units", f"{share:g} of {total} hidden units rounds to none; give a larger share")
        return _Done(
            f"{removed} of {total} hidden units in {len(self._layers)} dense layers are removed: in each layer, the "
            f"{share:.0%} with the smallest weights.",
            {"units_share": share, "units": total - removed, "units_before": total},
        )

    def _remove(self, share: float) -> int:
        pruned, removed = without_units(self._model, self._layers, share)
        _write(self._draft, pruned)
        return removed

    def _largest(self, max_drop: float) -> float:
        """The largest share within the budget, by bisection, which assumes that removing more is never better."""
        holds, fails = 0, _STEPS
        while fails - holds > 1:
            middle = (holds + fails) // 2
            self._remove(middle / _STEPS)
            if within(self._bench.judge(self._draft), max_drop):
                holds = middle
            else:
                fails = middle
        if not holds:
            raise CheckFailedError(
                f"removing even {1 / _STEPS:.0%} of the hidden units exceeds the budget of {max_drop:g} on "
                f"{self._bench.label}; nothing was written"
            )
        return holds / _STEPS
