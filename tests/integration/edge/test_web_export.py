"""What an export for the web refuses, and what the newest graph is that onnxruntime-web takes."""

import json
import subprocess
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper
from support.edge.exports import NODE_MODULES, ROOT, export, needs_node
from support.golden import flip_a_bit, with_golden
from support.packages import make_text_package, text_graph
from typer.testing import CliRunner

from slipway.cli import app
from slipway.edge.node import prove_in_node
from slipway.edge.opsets import WEB
from slipway.edge.web import export_web
from slipway.errors import CheckFailedError, GoldenError, InputError, PackageError
from slipway.models.package import load_package

TINY = ROOT / "models/breast-cancer/1"
OPENS = """
import { readFile } from "node:fs/promises";
import * as ort from "./node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs";
ort.env.logLevel = "error";
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmBinary = await readFile("./node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm");
const found = {};
for (const file of process.argv.slice(1)) {
  try {
    await ort.InferenceSession.create(await readFile(file));
    found[file] = true;
  } catch {
    found[file] = false;
  }
}
console.log(JSON.stringify(found));
"""


def _graph(path: Path, *, form: int = 10, **opsets: int) -> str:
    shape = [None, 2]
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", tensors[:1], tensors[1:])
    versions = {"": 20, **{name.replace("_", "."): version for name, version in opsets.items()}}
    if "ai.onnx" in versions:
        versions[""] = versions.pop("ai.onnx")
    imports = [helper.make_opsetid(domain, version) for domain, version in versions.items()]
    path.write_bytes(helper.make_model(graph, opset_imports=imports, ir_version=form).SerializeToString())
    return str(path)


@needs_node
def test_the_newest_versions_are_those_that_onnxruntime_web_takes(tmp_path: Path) -> None:
    graphs = {}
    for more in (0, 1):
        graphs[_graph(tmp_path / f"form{more}.onnx", form=WEB.format + more)] = more == 0
        graphs[_graph(tmp_path / f"onnx{more}.onnx", ai_onnx=WEB.opsets[""] + more)] = more == 0
        graphs[_graph(tmp_path / f"ml{more}.onnx", ai_onnx_ml=WEB.opsets["ai.onnx.ml"] + more)] = more == 0
    command = ["node", "--input-type=module", "-e", OPENS, *graphs]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == graphs


@needs_node
def test_an_export_replaces_an_earlier_one_and_nothing_else(tmp_path: Path) -> None:
    package = load_package(TINY)
    folder = export(package, tmp_path / "web")
    (folder / "old.txt").write_text("of the earlier one")
    assert export(package, folder) == folder
    assert not (folder / "old.txt").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("my only copy")
    with pytest.raises(InputError, match="neither empty nor an earlier export"):
        export(package, tmp_path / "mine")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_missing_npm_packages_are_named_with_the_way_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no onnxruntime-web; run `npm ci`.*npm install onnxruntime-web@"):
        export_web(load_package(TINY), tmp_path / "web", node_modules=tmp_path)
    (tmp_path / "onnxruntime-web").mkdir()
    (tmp_path / "onnxruntime-web/package.json").write_text('{"version": "1.0.0"}')
    with pytest.raises(InputError, match=r"has onnxruntime-web 1\.0\.0, and Slipway is tested with"):
        export_web(load_package(TINY), tmp_path / "web", node_modules=tmp_path)
    assert not (tmp_path / "web").exists()


def test_a_package_without_golden_records_or_with_wrong_answers_is_refused(tmp_path: Path) -> None:
    bare = make_text_package(tmp_path / "bare")
    with pytest.raises(PackageError, match=r"golden\.json"):
        export_web(bare, tmp_path / "web", node_modules=NODE_MODULES)
    with pytest.raises(GoldenError):
        export_web(flip_a_bit(with_golden(bare)), tmp_path / "web", node_modules=NODE_MODULES)


def test_a_graph_that_is_too_new_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    graph = text_graph()
    graph.opset_import[0].version = WEB.opsets[""] + 1
    package = make_text_package(tmp_path / "package")
    (package.folder / "model.onnx").write_bytes(graph.SerializeToString())
    with pytest.raises(PackageError, match=f"opset {WEB.opsets[''] + 1} of ai.onnx; onnxruntime-web takes up to"):
        export_web(package, tmp_path / "web", node_modules=NODE_MODULES)


def test_a_graph_with_operators_of_another_domain_is_refused(tmp_path: Path) -> None:
    graph = text_graph()
    graph.opset_import.append(onnx.helper.make_opsetid("my.own", 1))
    package = make_text_package(tmp_path / "package")
    (package.folder / "model.onnx").write_bytes(graph.SerializeToString())
    with pytest.raises(PackageError, match=r"operators of my\.own"):
        export_web(package, tmp_path / "web", node_modules=NODE_MODULES)


@needs_node
def test_node_says_what_is_not_proved(tmp_path: Path) -> None:
    folder = export(load_package(TINY), tmp_path / "web")
    proof = prove_in_node(folder)
    assert proof is not None
    assert (proof.records, proof.largest <= proof.tolerance) == (32, True)
    model = json.loads((folder / "model.json").read_text())
    (entry,) = [each for each in model["files"] if each["path"] == "golden.json"]
    entry["sha256"] = "0" * 64
    (folder / "model.json").write_text(json.dumps(model))
    with pytest.raises(CheckFailedError, match=r"golden\.json is not the file that model\.json lists"):
        prove_in_node(folder)


@needs_node
@pytest.mark.parametrize("target", ["web", "device"])
def test_the_command_writes_a_folder_and_says_what_is_in_it(
    tmp_path: Path, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    command = ["model", "export", "breast-cancer", "1", "--target", target, "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert f"Exported breast-cancer 1 to {tmp_path / 'out'}" in done.output
    assert ("Proved in Node: 32 golden records" in done.output) == (target == "web")
    document = json.loads(CliRunner().invoke(app, [*command, "--json"]).output)
    assert document["folder"] == str(tmp_path / "out")
    assert "lines" not in document


@needs_node
def test_the_advice_measures_the_browser_with_the_package_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    command = ["model", "advise", "breast-cancer:1", "--rps", "5", "--seconds", "0.05", "--json"]
    done = CliRunner().invoke(app, command)
    ways = {way["name"]: way for way in json.loads(done.stdout)["ways"]}
    assert list(ways) == ["light", "fargate", "gpu", "batch", "browser", "device"]
    assert "ms here in Node" in ways["browser"]["latency"]
    assert ways["browser"]["monthly"] > 0
    without = json.loads(CliRunner().invoke(app, [*command, "--node-modules", "nowhere"]).stdout)["ways"]
    assert "nowhere has no onnxruntime-web" in without[4]["latency"]
