"""`slipway model seal`, and the warning about a package without a seal."""

from pathlib import Path

import pytest
from support.packages import make_text_package
from typer.testing import CliRunner

from slipway.cli import app
from slipway.errors import PackageError
from slipway.models.package import load_package

CONFIG = """
models: {tiny-sentiment: {versions: [1], stable: 1, gates: {max_package_bytes: 100000}}}
"""


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The model.yaml of version 1, below a slipway.yaml."""
    (tmp_path / "slipway.yaml").write_text(CONFIG, encoding="utf-8")
    make_text_package(tmp_path / "models/tiny-sentiment/1")
    monkeypatch.chdir(tmp_path)
    return Path("models/tiny-sentiment/1/model.yaml")


def _replace(manifest: Path, before: str, after: str) -> None:
    text = manifest.read_text(encoding="utf-8")
    assert before in text
    manifest.write_text(text.replace(before, after), encoding="utf-8")


def test_an_edited_package_is_refused_until_it_is_sealed(manifest: Path) -> None:
    _replace(manifest, "A package for tests.", "A better description.")
    check = ["model", "check", "tiny-sentiment", "1"]
    assert "slipway model seal" in str(CliRunner().invoke(app, check).exception)

    done = CliRunner().invoke(app, ["model", "seal", str(manifest.parent)])
    sealed = load_package(manifest.parent).manifest
    assert done.exit_code == 0, done.output
    assert done.stdout == (
        f"Sealed {manifest}: tiny-sentiment 1, text-classification, 1 input, labels negative, neutral, positive.\n"
        f"4 files checked. The seal is {sealed.seal}.\n"
    )
    assert sealed.description == "A better description."
    passed = CliRunner().invoke(app, check)
    assert passed.exit_code == 0
    assert "seal, so changes" not in passed.stderr


def test_what_cannot_be_sealed_is_an_error(manifest: Path) -> None:
    _replace(manifest, "max_characters: 280", "max_characters: 2")
    error = CliRunner().invoke(app, ["model", "seal", str(manifest.parent)]).exception
    assert isinstance(error, PackageError)
    assert "inputs.text.max_characters: is 2, but baseline.json has 4" in str(error)


def test_a_check_refuses_a_manifest_that_contradicts_its_baseline(manifest: Path) -> None:
    """A package of an earlier build has no seal that would have refused it."""
    seal = load_package(manifest.parent).manifest.seal
    _replace(manifest, f"seal: {seal}\n", "")
    _replace(manifest, "[negative, neutral, positive]", "[positive, neutral, negative]")
    found = CliRunner().invoke(app, ["model", "check", "tiny-sentiment", "1"])
    assert isinstance(found.exception, PackageError)
    assert "outputs.labels: are ['positive', 'neutral', 'negative']" in str(found.exception)


def test_a_check_warns_about_a_package_without_a_seal(manifest: Path) -> None:
    _replace(manifest, f"seal: {load_package(manifest.parent).manifest.seal}\n", "")
    found = CliRunner().invoke(app, ["model", "check", "tiny-sentiment", "1"])
    assert found.exit_code == 0, found.output
    assert (
        f"warning: {manifest} has no seal, so changes to it pass unseen; "
        f"`slipway model seal {manifest.parent}` adds one\n"
    ) in found.stderr
