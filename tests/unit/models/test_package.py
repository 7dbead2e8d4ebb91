import os
from pathlib import Path

import pytest
import yaml
from support.packages import make_text_package, manifest_document, seal_again

from slipway.errors import PackageError
from slipway.models.manifest import Manifest
from slipway.models.package import Package, checking_package, load_package, read_manifest, seal_package


def _rewrite(package: Package, **changes: object) -> Path:
    path = package.folder / "model.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}, sort_keys=False))
    return path


def test_a_sealed_package_loads(text_package: Package) -> None:
    package = load_package(text_package.folder)
    assert package.manifest == text_package.manifest
    assert [entry.path for entry in package.manifest.files] == [
        "README.md",
        "baseline.json",
        "model.onnx",
        "tokenizer.json",
    ]
    assert package.baseline.records == 3


@pytest.mark.parametrize("file", ["README.md", "baseline.json", "model.onnx", "tokenizer.json"])
def test_a_missing_file_is_named(text_package: Package, file: str) -> None:
    (text_package.folder / file).unlink()
    with pytest.raises(PackageError, match=rf"{file}: is missing, but model.yaml lists it") as error:
        load_package(text_package.folder)
    assert error.value.file == str(text_package.folder / file)


def test_a_missing_manifest_or_folder_is_named(text_package: Package, tmp_path: Path) -> None:
    (text_package.folder / "model.yaml").unlink()
    with pytest.raises(PackageError, match=r"model.yaml: is missing"):
        load_package(text_package.folder)
    with pytest.raises(PackageError, match=r"nowhere/model.yaml: is missing"):
        load_package(tmp_path / "nowhere")


def test_a_file_of_another_size_is_altered(text_package: Package) -> None:
    path = text_package.folder / "model.onnx"
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(PackageError, match=rf"model.onnx: was altered: it has {size + 1} bytes, .* says {size}"):
        load_package(text_package.folder)


def test_a_file_of_the_same_size_is_altered(text_package: Package) -> None:
    path = text_package.folder / "tokenizer.json"
    path.write_bytes(path.read_bytes().replace(b"sunny", b"rainy"))
    with pytest.raises(PackageError, match=r"tokenizer.json: was altered: its SHA-256 is"):
        load_package(text_package.folder)


@pytest.mark.parametrize("file", ["notes.txt", "deep/er/weights.bin", ".hidden"])
def test_a_file_that_is_not_listed_is_named(text_package: Package, file: str) -> None:
    path = text_package.folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    with pytest.raises(PackageError, match=rf"{file}: is in the package but not listed in model.yaml"):
        load_package(text_package.folder)


def test_a_folder_in_place_of_a_file_is_missing(text_package: Package) -> None:
    (text_package.folder / "README.md").unlink()
    (text_package.folder / "README.md").mkdir()
    with pytest.raises(PackageError, match=r"README.md: is missing"):
        load_package(text_package.folder)


def test_files_in_folders_are_listed(tmp_path: Path) -> None:
    (tmp_path / "p" / "notes").mkdir(parents=True)
    (tmp_path / "p" / "notes" / "how.md").write_text("by hand")
    package = make_text_package(tmp_path / "p")
    assert "notes/how.md" in [entry.path for entry in load_package(package.folder).manifest.files]


def test_a_link_out_of_the_package_is_refused(text_package: Package, tmp_path: Path) -> None:
    card = text_package.folder / "README.md"
    outside = tmp_path / "outside.md"
    outside.write_bytes(card.read_bytes())
    card.unlink()
    card.symlink_to(outside)
    with pytest.raises(PackageError, match=r"README.md: is a link that leaves the package"):
        load_package(text_package.folder)


def test_a_link_to_a_folder_is_refused(text_package: Package) -> None:
    (text_package.folder / "here").symlink_to(text_package.folder)
    with pytest.raises(PackageError, match=r"here: is a link to a folder"):
        load_package(text_package.folder)


def test_links_inside_the_package_are_read(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "CARD.md").symlink_to("README.md")
    assert load_package(make_text_package(tmp_path / "p").folder).manifest.files[0].path == "CARD.md"


def test_a_broken_link_is_an_error(text_package: Package) -> None:
    (text_package.folder / "README.md").unlink()
    (text_package.folder / "README.md").symlink_to("gone.md")
    with pytest.raises(PackageError, match=r"README.md: is missing"):
        load_package(text_package.folder)


def test_a_file_that_is_neither_file_nor_folder_is_refused(text_package: Package) -> None:
    os.mkfifo(text_package.folder / "pipe")
    with pytest.raises(PackageError, match=r"pipe: is neither a file nor a folder"):
        load_package(text_package.folder)


def test_an_unknown_field_is_named_by_path(text_package: Package) -> None:
    inputs = [{"name": "text", "type": "string", "maximum": 3}]
    path = _rewrite(text_package, inputs=inputs, licence="MIT")
    with pytest.raises(PackageError) as error:
        load_package(text_package.folder)
    assert str(error.value) == (f"{path}: inputs[0].maximum: is not a known field; licence: is not a known field")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, r"format: must be one of 1 \(got 2\)"),
        ({"version": "1"}, r"version: must be an integer \(got \"1\"\)"),
        ({"name": "Tweet Sentiment"}, r"name: must match"),
        ({"task": "magic"}, r"task: must match"),
        ({"inputs": []}, r"inputs: must have at least 1 item"),
        ({"inputs": [{"name": "a", "type": "text"}]}, r"inputs\[0\].type: must be one of 'string'"),
        ({"inputs": [{"name": "a", "type": "float"}] * 2}, r"`inputs` names a field twice"),
        ({"inputs": [{"name": "a", "type": "string", "min": 1}]}, r"inputs\[0\]: `min` and `max` are for numbers"),
        ({"inputs": [{"name": "a", "type": "float", "min": 2, "max": 1}]}, r"`min: 2.0` of a is above its `max: 1.0`"),
        ({"inputs": [{"name": "a", "type": "float", "max_characters": 1}]}, r"`max_characters` is for strings"),
        ({"outputs": {"labels": ["only"]}}, r"outputs.labels: must have at least 2 item"),
        ({"outputs": {}}, r"`outputs.labels` is required for text-classification"),
        ({"graph": {"file": "other.onnx", "inputs": ["a"], "outputs": ["b"]}}, r"other.onnx is not listed"),
        (
            {"quality": [{"metric": "f1", "value": float("nan"), "data": "test"}]},
            r"quality\[0\].value: must be a finite",
        ),
        ({"training": {"command": "x", "seed": "1"}}, r"training.seed: must be an integer"),
    ],
)
def test_a_wrong_value_is_named_by_path(text_package: Package, changes: dict[str, object], message: str) -> None:
    _rewrite(text_package, **changes)
    with pytest.raises(PackageError, match=rf"model.yaml: .*{message}"):
        load_package(text_package.folder)


@pytest.mark.parametrize("path", ["../model.onnx", "/etc/passwd", "a/../../b", "./README.md", "a//b", ".", "", "a\\b"])
def test_a_listed_path_stays_inside(text_package: Package, path: str) -> None:
    entry = {"path": path, "bytes": 1, "sha256": "0" * 64}
    files = [item.model_dump() for item in text_package.manifest.files]
    _rewrite(text_package, files=[*files, entry])
    with pytest.raises(PackageError, match=r"files\[4\].path: .* is not a path inside the package"):
        load_package(text_package.folder)


@pytest.mark.parametrize("text", ["a: [", "\0", "!!python/object:os.system {}", "a: &a [*a]\nb: *c", b"\xff\xfe\xff"])
def test_what_is_not_yaml_is_refused(tmp_path: Path, text: str | bytes) -> None:
    path = tmp_path / "model.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(PackageError, match=r"model.yaml: is not YAML"):
        read_manifest(path)


@pytest.mark.parametrize("text", ["", "- 1", "just words", "3"])
def test_yaml_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "model.yaml").write_text(text)
    with pytest.raises(PackageError, match=r"model.yaml: \(file\): must be an object"):
        read_manifest(tmp_path / "model.yaml")


def test_a_huge_manifest_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(PackageError, match=r"model.yaml: is over 1048576 bytes"):
        read_manifest(tmp_path / "model.yaml")


def test_a_deep_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_text("[" * 5000)
    with pytest.raises(PackageError, match=r"model.yaml: "):
        read_manifest(tmp_path / "model.yaml")


def test_the_manifest_reads_in_its_own_order(text_package: Package) -> None:
    keys = list(yaml.safe_load((text_package.folder / "model.yaml").read_text()))
    assert keys == [name for name in Manifest.model_fields if name in keys]


def test_sealing_again_replaces_the_list(text_package: Package) -> None:
    (text_package.folder / "more.txt").write_text("more")
    assert "more.txt" in [entry.path for entry in seal_again(text_package).manifest.files]


def test_sealing_names_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=r"model.yaml: .*graph.file: is required"):
        seal_package(tmp_path, manifest_document("a", 1, "tabular-regression"))
    assert list(tmp_path.iterdir()) == []


def test_sealing_refuses_a_malformed_baseline(text_package: Package) -> None:
    (text_package.folder / "baseline.json").write_text('{"format": 1, "records": 0, "inputs": {}, "outputs": {}}')
    with pytest.raises(PackageError, match=r"baseline.json: records: must be at least 1 \(got 0\)"):
        seal_again(text_package)


def test_files_are_checked_while_the_package_is_opened(text_package: Package) -> None:
    with checking_package(text_package.folder) as package:
        opened = package.manifest
    assert opened == text_package.manifest
    graph = text_package.path("model.onnx")
    graph.write_bytes(graph.read_bytes()[:-1] + b"\0")
    with pytest.raises(PackageError, match=r"model\.onnx: was altered: its SHA-256"), checking_package(graph.parent):
        raise ValueError("what the graph's reader says of altered bytes")
