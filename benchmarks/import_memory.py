"""Measure the memory of an import: ``python benchmarks/import_memory.py`` (``--json``, ``--megabytes 100``).

Each figure is the peak resident set of a separate process. The frameworks' share is that of importing a tiny model; the
rest belongs to the model and is given as a multiple of its size. The floor is the same for a process that only opens
the original and runs it on the sample records.

It covers ONNX files, and PyTorch modules and Hugging Face folders if PyTorch is installed.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

MEGABYTE = 1e6
ALLOWED = 3.0
FEATURES = 16
LAYERS = 4
ENTRY = """
import torch
from torch import nn

class Network(nn.Module):
    def __init__(self):
        super().__init__()
        width = {width}
        middle = [part for _ in range({layers}) for part in (nn.Linear(width, width), nn.Tanh())]
        self.layers = nn.Sequential(nn.Linear({features}, width), nn.Tanh(), *middle, nn.Linear(width, 2))

    def forward(self, features):
        return self.layers(features)

def network():
    torch.manual_seed(0)
    return Network()
"""


def main() -> None:
    """Measure every available kind and print a table or JSON; exit with code 1 if one exceeds its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", nargs=3, metavar=("WHAT", "KIND", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(*options.child)
        return
    kinds = ["onnx", *(["torch", "hugging-face"] if importlib.util.find_spec("torch") else [])]
    rows = [measure(kind, options.megabytes) for kind in kinds]
    if options.json:
        print(json.dumps(rows))
    else:
        show(rows)
    sys.exit(any(row["times_the_size"] > ALLOWED for row in rows))


def measure(kind: str, megabytes: float) -> dict[str, Any]:
    """Run the four processes of one kind."""
    with tempfile.TemporaryDirectory() as scratch:
        large, small = Path(scratch, "large"), Path(scratch, "small")
        run("make", kind, large, str(megabytes))
        run("make", kind, small, "0.1")
        size = sum(path.stat().st_size for path in large.glob("model.*")) / MEGABYTE or megabytes
        frameworks, peak = run("import", kind, small), run("import", kind, large)
        opened, floor = run("open", kind, small), run("open", kind, large)
    return {
        "kind": kind,
        "model_mb": round(size, 1),
        "frameworks_mb": round(frameworks, 1),
        "import_mb": round(peak, 1),
        "times_the_size": round((peak - frameworks) / size, 2),
        "open_mb": round(floor, 1),
        "open_times_the_size": round((floor - opened) / size, 2),
    }


def run(what: str, kind: str, folder: Path, megabytes: str = "") -> float:
    """The peak memory in MB of a process that does ``what``."""
    command = [sys.executable, __file__, "--child", what, kind, str(folder)]
    command += ["--megabytes", megabytes] if megabytes else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return float(done.stdout.splitlines()[-1])


def child(what: str, kind: str, folder: str) -> None:
    """The body of a process: make a model, import it, or only open it."""
    place = Path(folder)
    if what == "make":
        place.mkdir()
        MAKERS[kind](place, float(sys.argv[sys.argv.index("--megabytes") + 1]))
    elif what == "import":
        from slipway.models.importing.importer import import_model

        import_model(_request(kind, place))
    else:
        _open(kind, place)
    status = Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    print(int(peak.split()[1]) * 1024 / MEGABYTE)


def _request(kind: str, place: Path) -> Any:
    from slipway.models.importing.request import ImportRequest

    common: dict[str, Any] = {"name": "large", "models": place / "models", "records": place / "records.jsonl"}
    if kind == "hugging-face":
        return ImportRequest(**common, hugging_face=place)
    sys.path.insert(0, str(place))
    given: dict[str, Any] = {"torch": "entry:network"} if kind == "torch" else {"onnx": place / "model.onnx"}
    return ImportRequest(**common, **given, labels=("no", "yes"))


def _open(kind: str, place: Path) -> None:
    """Open the original and run it, as the import must."""
    from slipway.models.importing.decisions import Numbers  # noqa: F401  so that both processes load the same modules
    from slipway.models.importing.fields import infer_inputs, sample_records, settle
    from slipway.models.importing.importer import import_model  # noqa: F401  as above
    from slipway.models.importing.request import open_source
    from slipway.models.importing.samples import read_samples

    request = _request(kind, place)
    source, samples = open_source(request), read_samples(place / "records.jsonl", None)
    columns = source.traits(samples).columns or ()
    fields = settle(columns, infer_inputs(columns, samples, {}))
    source.answers(sample_records(columns, fields, samples), fields)


def _width(megabytes: float) -> int:
    return int((megabytes * MEGABYTE / 4 / LAYERS) ** 0.5)


def _table(place: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(32, FEATURES))
    lines = [json.dumps({f"f{column}": value for column, value in enumerate(row)}) for row in rows.tolist()]
    (place / "records.jsonl").write_text("\n".join(lines))


def make_onnx(place: Path, megabytes: float) -> None:
    """A network of wide layers that returns logits, so that the import must complete the graph."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    width, random = _width(megabytes), np.random.default_rng(0)
    sizes = [FEATURES, *[width] * (LAYERS + 1), 2]
    shapes = {f"weights_{layer}": shape for layer, shape in enumerate(pairwise(sizes))}
    weights = [
        numpy_helper.from_array((random.normal(size=shape) / shape[0] ** 0.5).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    nodes, last = [], "features"
    for layer, name in enumerate(shapes):
        nodes.append(helper.make_node("MatMul", [last, name], [f"sum_{layer}"]))
        nodes.append(helper.make_node("Tanh", [f"sum_{layer}"], [last := f"layer_{layer}"]))
    inputs = [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", FEATURES])]
    outputs = [helper.make_tensor_value_info(last, TensorProto.FLOAT, ["batch", 2])]
    graph = helper.make_graph(nodes, "large", inputs, outputs, initializer=weights)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), place / "model.onnx"
    )
    _table(place)


def make_torch(place: Path, megabytes: float) -> None:
    """A module of wide layers; its size is that of its parameters."""
    (place / "entry.py").write_text(ENTRY.format(width=_width(megabytes), features=FEATURES, layers=LAYERS))
    _table(place)


def make_hugging_face(place: Path, megabytes: float) -> None:
    """A BERT whose layers make up the size."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertForSequenceClassification

    unknown = "[UNK]"
    words = {"[PAD]": 0, unknown: 1, "good": 2, "bad": 3, "day": 4}
    layers, hidden = (8, 512) if megabytes > 1 else (1, 16)
    sizes = {
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": 8,
        "intermediate_size": hidden * 4,
    }
    config = BertConfig(vocab_size=len(words), num_labels=3, **sizes)
    BertForSequenceClassification(config).save_pretrained(place)
    tokenizer = Tokenizer(models.WordLevel(words, unk_token=unknown))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(place / "tokenizer.json"))
    (place / "records.jsonl").write_text("\n".join(json.dumps({"text": "good day " * n}) for n in range(1, 20)))


MAKERS: dict[str, Callable[[Path, float], None]] = {
    "onnx": make_onnx,
    "torch": make_torch,
    "hugging-face": make_hugging_face,
}


def show(rows: list[dict[str, Any]]) -> None:
    """A table in Markdown."""
    print("| kind | model | frameworks alone | import, peak | above them | only opening, peak | above |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for row in rows:
        print(
            f"| {row['kind']} | {row['model_mb']} MB | {row['frameworks_mb']} MB | {row['import_mb']} MB "
            f"| {row['times_the_size']} x | {row['open_mb']} MB | {row['open_times_the_size']} x |"
        )


if __name__ == "__main__":
    main()
