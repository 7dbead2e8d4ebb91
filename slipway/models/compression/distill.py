"""Train a student on a teacher's probabilities: `slipway model distill`.

A recipe is the user's function ``recipe(records, answers, **parameters)``; it also gets ``seed`` if it has such a
parameter. A record has its values in the order of the manifest's inputs. ``answers`` is float64 [records, labels] with
the teacher's probabilities in the order of its labels, or [records, 1] with its values. The recipe returns ``(graph,
tokenizer)``, where ``graph`` is an ONNX model or its bytes and ``tokenizer`` the text of a tokenizer.json or None, or
the path of a folder with model.onnx and, for texts, tokenizer.json. The graph's outputs are as the teacher's task has.
"""

import hashlib
import inspect
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.errors import InputError, PackageError
from slipway.models.compression.bench import Bench
from slipway.models.compression.job import (
    Change,
    Compressed,
    CompressionJob,
    complete,
    data_set,
    unsealed,
    version_of,
)
from slipway.models.compression.report import compare
from slipway.models.extras import need
from slipway.models.gates.labelled import Labelled, read_given
from slipway.models.importing.packaging import GRAPH, TOKENIZER, draft_beside
from slipway.models.importing.sources.entry import find_entry
from slipway.models.manifest import Record
from slipway.models.package import MANIFEST, Package, load_package
from slipway.models.prediction.predictor import Predictor, open_session
from slipway.models.prediction.tasks import Output

Answers = NDArray[np.float64]
Recipe = Callable[..., Any]

_LEAST_HELD_OUT = 2


@dataclass(frozen=True, slots=True)
class Distilling:
    """How to distill. ``student`` is the recipe as ``module:function``, called with ``seed`` and ``parameters``.

    The student is evaluated on the records of ``held_out``, else on a ``share`` of the order's data drawn by the seed.
    """

    student: str
    name: str | None = None
    description: str | None = None
    held_out: Path | None = None
    share: float = 0.1
    seed: int = 2026
    parameters: Mapping[str, Any] = field(default_factory=dict)


def distill(job: CompressionJob, how: Distilling) -> Compressed:
    """Have a recipe learn from the answers of ``job.original``, the teacher; any quality is written and reported.

    Raises:
        InputError: the data, the recipe or its result cannot be used.
        PackageError: ONNX Runtime cannot open the student's graph, or its outputs do not fit the task.
        MissingExtraError: `onnx` is not installed.
    """
    need("onnx", "import")
    teacher = job.original
    recipe = find_entry(how.student, "--student")
    arguments = _arguments(recipe, how)
    data = read_given(job.data, teacher.manifest)
    training, test = _split(data, how, teacher)
    parent = teacher.manifest.version if how.name in (None, teacher.manifest.name) else 0
    number = version_of(job.output, job.version, parent)
    bench = Bench(teacher, test, job.task_modules)
    answers = _answers(job, training.records)
    with draft_beside(job.output) as folder:
        _write_result(recipe(_in_order(training.records, teacher), answers, **arguments), folder)
        document = _document(job, how, number, folder, training)
        draft = Package(folder, unsealed(folder, document))
        verdict = bench.judge(draft)
        change = Change(_summary(teacher, how, training), dict(how.parameters), used=(data,))
        made = complete(folder, document, bench, verdict, change=change, job=job)
        report = compare(bench, made, verdict, seconds=job.seconds)
        folder.rename(job.output)
    return Compressed(load_package(job.output), change, report)


def _split(data: Labelled, how: Distilling, teacher: Package) -> tuple[Labelled, Labelled]:
    """The records to train on, and those to evaluate on."""
    if how.held_out is not None:
        return data, read_given(how.held_out, teacher.manifest)
    count = len(data.records)
    tested = round(how.share * count)
    if tested < _LEAST_HELD_OUT or tested > count - _LEAST_HELD_OUT:
        raise InputError.of("--held-out", f"{how.share:g} of {count} records leaves too few to evaluate or train on")
    drawn = set(Random(how.seed).sample(range(count), tested))  # noqa: S311  not a secret
    kept = [index for index in range(count) if index not in drawn]
    return _part(data, kept, data.name), _part(data, sorted(drawn), f"{data.name}, held out")


def _arguments(recipe: Recipe, how: Distilling) -> dict[str, Any]:
    """The recipe's arguments, with the seed if it takes one; raises InputError if they do not fit its signature."""
    signature = inspect.signature(recipe)
    given = {"seed": how.seed, **how.parameters} if "seed" in signature.parameters else dict(how.parameters)
    try:
        signature.bind([], [], **given)
    except TypeError as error:
        raise InputError.of("--parameter", f"{how.student}{signature} cannot be called with these: {error}") from error
    return given


def _part(data: Labelled, indices: Sequence[int], name: str) -> Labelled:
    labels = [data.labels[index] for index in indices] if data.labels else []
    return replace(data, name=name, records=[data.records[index] for index in indices], labels=labels)


def _answers(job: CompressionJob, records: Sequence[Record]) -> Answers:
    """The teacher's answers, each record predicted alone, since a batch may change them, in a few threads."""
    teacher = job.original
    predictor = Predictor(teacher, threads=1, task_modules=job.task_modules)
    rows: list[list[float]] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool, job.watch("The teacher answers", len(records)) as advance:
        for (output,) in pool.map(lambda record: predictor.predict([record]), records):
            rows.append(_row(output, teacher))
            advance()
    return np.array(rows, dtype=np.float64)


def _in_order(records: Sequence[Record], teacher: Package) -> list[Record]:
    """The records with their values in the manifest's order, for recipes that turn them into a matrix."""
    names = [field.name for field in teacher.manifest.inputs]
    return [{name: record[name] for name in names} for record in records]


def _row(output: Output, teacher: Package) -> list[float]:
    labels = teacher.manifest.outputs.labels
    if labels is not None and "scores" in output:
        return [output["scores"][label] for label in labels]
    if "value" in output:
        return [output["value"]]
    if "values" in output:
        return [output["values"][name] for name in teacher.manifest.outputs.target_names]
    raise InputError.of("--teacher", f"a {teacher.manifest.task} returns neither probabilities nor values")


def _write_result(made: Any, folder: Path) -> None:
    """Write the recipe's result into the draft."""
    if isinstance(made, str | Path):
        for name in (GRAPH, TOKENIZER):
            if (Path(made) / name).is_file():
                shutil.copyfile(Path(made) / name, folder / name)
    else:
        pair: tuple[Any, Any] = made if isinstance(made, tuple) and len(made) == 2 else (None, None)
        graph, tokenizer = pair
        content = graph.SerializeToString(deterministic=True) if hasattr(graph, "SerializeToString") else graph
        if isinstance(content, bytes):
            (folder / GRAPH).write_bytes(content)
        if tokenizer is not None:
            (folder / TOKENIZER).write_text(tokenizer, encoding="utf-8")
    if not (folder / GRAPH).is_file():
        raise InputError.of("--student", f"must return (graph, tokenizer) or a folder with {GRAPH}")


def _document(job: CompressionJob, how: Distilling, number: int, folder: Path, training: Labelled) -> dict[str, Any]:
    """The teacher's manifest with the student's graph; how the teacher was quantized is not how the student is."""
    teacher = job.original.manifest
    document = teacher.model_dump(
        mode="json", exclude_unset=True, exclude={"files", "graph", "quantization", "tokenizer", "quality", "training"}
    )
    session = open_session(folder / GRAPH)
    if len(session.get_outputs()) != 1:
        raise PackageError(folder / GRAPH, f"has {len(session.get_outputs())} outputs; one is needed")
    document |= {
        "name": how.name or teacher.name,
        "version": number,
        "description": how.description or teacher.description,
        "graph": {
            "file": GRAPH,
            "inputs": [value.name for value in session.get_inputs()],
            "outputs": [value.name for value in session.get_outputs()],
        },
        # Replaced by what the bench measures.
        "quality": [{"metric": "agreement", "value": 0.0, "data": job.data.name}],
        "training": _training(job, how, training),
    }
    return document | ({"tokenizer": TOKENIZER} if (folder / TOKENIZER).is_file() else {})


def _training(job: CompressionJob, how: Distilling, training: Labelled) -> dict[str, Any]:
    teacher = job.original
    held_out: Any = how.share
    if how.held_out is not None:
        held_out = data_set(read_given(how.held_out, teacher.manifest))
    return {
        "command": job.command,
        "data": [data_set(training)],
        "seed": how.seed,
        "parameters": {
            "student": how.student,
            **how.parameters,
            "held_out": held_out,
            "teacher_sha256": hashlib.sha256(teacher.path(MANIFEST).read_bytes()).hexdigest(),
        },
        "teacher": f"{teacher.manifest.name}:{teacher.manifest.version}",
    }


def _summary(teacher: Package, how: Distilling, training: Labelled) -> str:
    return (
        f"A student, made by `{how.student}`, that learned the answers of {teacher.manifest.name} "
        f"{teacher.manifest.version} to {len(training.records):,} records of {training.name}. Their own labels, if "
        "any, were not used."
    )
