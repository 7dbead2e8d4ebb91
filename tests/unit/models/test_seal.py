"""The seal of model.yaml: whatever changes its content is refused, and an edit on purpose can be sealed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from support.packages import make_tabular_package, make_text_package

from slipway.errors import PackageError
from slipway.models.package import Package, load_package, manifest_text, parse_manifest, read_manifest, seal_manifest
from slipway.models.seal import seal_of

ROOT = Path(__file__).parents[3]
SHIPPED = sorted((ROOT / "models").glob("*/*/model.yaml"))
FLIPS = 300


def _flips(content: bytes, count: int) -> Iterator[bytes]:
    """The content with one bit flipped, at ``count`` places of a fixed sample."""
    for position in np.random.default_rng(2026).choice(8 * len(content), count, replace=False).tolist():
        flipped = bytearray(content)
        flipped[position // 8] ^= 1 << position % 8
        yield bytes(flipped)


def _document(content: bytes) -> object:
    """The parsed document, or None if the bytes are not YAML; PyYAML raises Python's own errors, too."""
    try:
        return yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError):
        return None


def _edit(package: Package, before: str, after: str) -> Path:
    path = package.folder / "model.yaml"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    return path


@pytest.mark.parametrize("source", SHIPPED, ids=lambda path: "-".join(path.parts[-3:-1]))
def test_every_bit_that_changes_a_shipped_manifest_is_noticed(source: Path) -> None:
    content = source.read_bytes()
    original = yaml.safe_load(content)
    passed = 0
    for flipped in _flips(content, FLIPS // len(SHIPPED) + 1):
        if _document(flipped) == original:
            passed += 1
            continue
        with pytest.raises(PackageError):
            parse_manifest(flipped, "model.yaml")
    assert passed < FLIPS // len(SHIPPED) // 2


def test_every_bit_of_a_package_is_noticed_when_it_is_loaded(tmp_path: Path) -> None:
    package = make_tabular_package(tmp_path / "p")
    path = package.folder / "model.yaml"
    content = path.read_bytes()
    for flipped in _flips(content, FLIPS):
        path.write_bytes(flipped)
        if _document(flipped) == yaml.safe_load(content):
            assert load_package(package.folder).manifest == package.manifest
        else:
            with pytest.raises(PackageError, match=r"model\.yaml|: is |: was "):
                load_package(package.folder)


@pytest.mark.parametrize("source", SHIPPED, ids=lambda path: "-".join(path.parts[-3:-1]))
def test_every_shipped_package_is_sealed(source: Path) -> None:
    assert read_manifest(source).seal == seal_of(yaml.safe_load(source.read_bytes()))


def test_an_altered_manifest_is_named_and_the_way_out(text_package: Package) -> None:
    path = _edit(text_package, "rows: 3", "rows: 4")
    with pytest.raises(PackageError) as error:
        load_package(text_package.folder)
    assert error.value.file == str(path)
    assert "was altered: its content does not match its `seal`" in str(error.value)
    assert "`slipway model seal`" in str(error.value)


@pytest.mark.parametrize("seal", ["null", "~", "", "a" * 64])
def test_a_seal_that_is_empty_or_of_something_else_is_refused(text_package: Package, seal: str) -> None:
    _edit(text_package, f"seal: {text_package.manifest.seal}", f"seal: {seal}")
    with pytest.raises(PackageError, match=r"model\.yaml: was altered"):
        load_package(text_package.folder)


def test_layout_and_comments_are_not_sealed(text_package: Package) -> None:
    _edit(text_package, "format: 1\n", "# by hand\nformat:   1\n\n")
    assert load_package(text_package.folder) == text_package


def test_a_package_of_an_earlier_build_loads_without_a_seal(text_package: Package) -> None:
    path = _edit(text_package, f"seal: {text_package.manifest.seal}\n", "")
    assert load_package(text_package.folder).manifest.seal is None
    assert seal_manifest(text_package.folder) == text_package
    assert path.read_text(encoding="utf-8").endswith(f"seal: {text_package.manifest.seal}\n")


def test_a_broken_seal_can_be_replaced(text_package: Package) -> None:
    _edit(text_package, f"seal: {text_package.manifest.seal}", "seal: 17")
    with pytest.raises(PackageError, match=r"model\.yaml: seal: must be a string"):
        load_package(text_package.folder)
    assert seal_manifest(text_package.folder) == text_package


def test_an_edit_on_purpose_is_sealed_and_its_text_kept(text_package: Package) -> None:
    path = _edit(text_package, "rows: 3", "rows: 4")
    _edit(text_package, "format: 1\n", "# Counted again.\nformat: 1\n")
    sealed = seal_manifest(text_package.folder)
    assert load_package(text_package.folder) == sealed
    assert sealed.manifest.training.data[0].rows == 4
    assert sealed.manifest.seal != text_package.manifest.seal
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# Counted again.\n")
    assert text.count("seal:") == 1


@pytest.mark.parametrize("ending", ["", "\r\n"])
def test_any_end_of_the_text_takes_a_seal(text_package: Package, ending: str) -> None:
    path = text_package.folder / "model.yaml"
    text = path.read_text(encoding="utf-8").removesuffix("\n")
    path.write_bytes((text.replace("\n", ending or "\n") + ending).encode())
    assert seal_manifest(text_package.folder) == text_package


def test_a_manifest_that_no_line_can_be_added_to_is_left_alone(text_package: Package) -> None:
    path = text_package.folder / "model.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_bytes()), default_flow_style=True, width=10**6))
    before = path.read_bytes()
    with pytest.raises(PackageError, match=r"model\.yaml: is not YAML"):
        seal_manifest(text_package.folder)
    assert path.read_bytes() == before


@pytest.mark.parametrize("file", ["README.md", "baseline.json", "model.onnx"])
def test_a_manifest_is_not_sealed_around_an_altered_file(text_package: Package, file: str) -> None:
    path = _edit(text_package, "rows: 3", "rows: 4")
    before = path.read_bytes()
    altered = text_package.path(file)
    altered.write_bytes(altered.read_bytes()[:-1] + b"?")
    with pytest.raises(PackageError, match=rf"{file}: was altered"):
        seal_manifest(text_package.folder)
    assert path.read_bytes() == before


def test_a_manifest_is_not_sealed_against_its_baseline(tmp_path: Path) -> None:
    package = make_tabular_package(tmp_path / "p")
    _edit(package, "max: 100", "max: 5")
    with pytest.raises(PackageError, match=r"model\.yaml: inputs\.radius\.max: is 5\.0, but baseline\.json has 9"):
        seal_manifest(package.folder)


def test_values_that_json_lacks_are_not_sealed(text_package: Package) -> None:
    _edit(text_package, "seed: 0", "seed: 0\n  parameters: {trained: 2026-01-01}")
    with pytest.raises(PackageError, match=r"model\.yaml: cannot be sealed: .*date"):
        seal_manifest(text_package.folder)


def test_aliases_do_not_make_a_seal_endless(text_package: Package) -> None:
    levels = [f"l{n + 1}: &l{n + 1} [{', '.join([f'*l{n}'] * 9)}]" for n in range(9)]
    _edit(text_package, "seed: 0", f"seed: 0\n  parameters: {{l0: &l0 [x], {', '.join(levels)}}}")
    with pytest.raises(PackageError, match=r"model\.yaml: cannot be sealed: it is over"):
        load_package(text_package.folder)


@pytest.mark.parametrize("value", ["2026-13-45", "!!bool maybe", "!!int ''", "!!timestamp soon", "!!float no"])
def test_values_that_pyyaml_cannot_make_are_not_yaml(value: str) -> None:
    with pytest.raises(PackageError, match=r"model\.yaml: is not YAML"):
        parse_manifest(f"format: {value}\n".encode(), "model.yaml")


def test_another_number_is_sealed_anew(tmp_path: Path) -> None:
    manifest = make_text_package(tmp_path / "p").manifest
    text = manifest_text(manifest.model_copy(update={"version": 7}))
    again = parse_manifest(text.encode(), "model.yaml")
    assert (again.version, again.seal != manifest.seal) == (7, True)
