"""Turns labelled predictions into a data set: each once, in the order of time, and split in time."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from slipway.config import FeatureType
from slipway.features.history.arrow import arrow_type, pyarrow
from slipway.models.gates.labelled import LABEL
from slipway.models.manifest import Form, Manifest
from slipway.training.dataset import ID, SPLIT, TIME, WEIGHT, DataSet, Split, open_data_set
from slipway.training.ports import Example


@dataclass(frozen=True, slots=True)
class Assembled:
    """Distinct examples in the order of time, of which the first ``train`` are to train on.

    ``unknown`` counts those that were left out, because their label is none of the model's.
    """

    examples: Sequence[Example]
    train: int
    unknown: int = 0


def arrange(examples: Iterable[Example], manifest: Manifest, validation: float) -> Assembled:
    """Drop repeated ids and unknown labels, sort by time, and keep the newest share ``validation`` apart.

    All examples of one moment are on one side of the split, so ``train`` may be 0.
    """
    distinct = {example.id: example for example in examples}
    known = [example for example in distinct.values() if _is_known(example, manifest)]
    ordered = sorted(known, key=lambda example: (example.time, example.id))
    return Assembled(
        ordered, split_in_time([example.time for example in ordered], validation), len(distinct) - len(known)
    )


def split_in_time(times: Sequence[datetime], validation: float) -> int:
    """How many of the ordered ``times`` are before the newest share ``validation``, at least one, of them begins."""
    if not times:
        return 0
    first = times[len(times) - max(1, math.ceil(validation * len(times)))]
    return sum(time < first for time in times)


def _is_known(example: Example, manifest: Manifest) -> bool:
    labels = manifest.outputs.labels
    match manifest.outputs.form:
        case Form.LABEL:
            return example.true in (labels or ())
        case Form.LABELS:
            return isinstance(example.true, tuple) and set(example.true) <= set(labels or ())
        case _:
            return True


def write_data_set(assembled: Assembled, manifest: Manifest, folder: Path) -> DataSet:
    """Write the examples to a file in ``folder`` that is named by its digest; the same examples are the same bytes."""
    from pyarrow import parquet

    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / ".data.parquet.part"
    parquet.write_table(_table(assembled, manifest), draft, compression="zstd")
    written = open_data_set(draft)
    path = folder / f"{written.sha256}.parquet"
    draft.replace(path)
    return replace(written, path=path)


def _table(assembled: Assembled, manifest: Manifest) -> Any:
    pa = pyarrow()
    examples = assembled.examples
    columns = {
        ID: pa.array([example.id for example in examples], pa.string()),
        TIME: pa.array([example.time for example in examples], pa.timestamp("ms", "UTC")),
        **_inputs(examples, {field.name: field.type for field in manifest.inputs}),
        **_answers(examples, manifest),
        WEIGHT: pa.array([example.weight for example in examples], pa.float64()),
        SPLIT: pa.array([_split(at, assembled.train) for at in range(len(examples))], pa.string()),
    }
    return pa.table(columns)


def _split(at: int, train: int) -> str:
    return Split.TRAIN.value if at < train else Split.VALIDATION.value


def _inputs(examples: Sequence[Example], types: Mapping[str, FeatureType]) -> dict[str, Any]:
    """A column for each input, and one for each other feature that history added."""
    pa = pyarrow()
    added = dict.fromkeys(name for example in examples for name in example.record if name not in types)
    found = {
        name: pa.array([example.record.get(name) for example in examples], arrow_type(kind))
        for name, kind in types.items()
    }
    return found | {name: pa.array([example.record.get(name) for example in examples]) for name in added}


def _answers(examples: Sequence[Example], manifest: Manifest) -> dict[str, Any]:
    pa, truth = pyarrow(), [example.true for example in examples]
    match manifest.outputs.form:
        case Form.LABEL:
            return {LABEL: pa.array(truth, pa.string())}
        case Form.LABELS:
            return {LABEL: pa.array([list(_several(each)) for each in truth], pa.list_(pa.string()))}
        case Form.VALUE:
            return {LABEL: pa.array(truth, pa.float64())}
        case Form.VALUES:
            targets = manifest.outputs.target_names
            return {
                name: pa.array([_several(each)[at] for each in truth], pa.float64()) for at, name in enumerate(targets)
            }


def _several(true: Any) -> Sequence[Any]:
    return true if isinstance(true, tuple) else (true,)
