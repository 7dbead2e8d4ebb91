"""The packages of recipes: in versions that fit those of the image, with hashes if there are any."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from slipway.bundling.recipe_packages import constraints_of, main, other_file

LOCK = """\
numpy==2.4.0 \\
    --hash=sha256:0a30ef \\
    --hash=sha256:6bc31b
truststore==0.10.5 ; sys_platform != 'emscripten' \\
    --hash=sha256:30d369
"""


def wheel(folder: Path, name: str, version: str, *, needs: str = "") -> Path:
    """A wheel with one module, whose ``version`` is that of the package."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files = {
        f"{name}.py": f"version = {version!r}\n",
        f"{info}/METADATA": metadata + (f"Requires-Dist: {needs}\n" if needs else ""),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in files) + f"{info}/RECORD,,\n"
    file = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)
    return file


def test_a_lock_file_says_which_versions_there_are() -> None:
    assert constraints_of(LOCK) == "numpy==2.4.0\ntruststore==0.10.5 ; sys_platform != 'emscripten'\n"
    shipped = (Path(__file__).parents[3] / "container/training.lock").read_text(encoding="utf-8")
    names = [line.partition("==")[0] for line in shipped.splitlines() if not line.startswith(" ")]
    assert [line.partition("==")[0] for line in constraints_of(shipped).splitlines()] == names


@pytest.mark.parametrize(
    "line",
    ["-r other.txt", "--constraint=pins.txt", "-e .", "./mine", "../mine", "/srv/mine.whl", "mine @ file:///srv/m.whl"],
)
def test_another_file_is_not_in_the_build(line: str) -> None:
    assert other_file(f"torch==2.9.0\n{line}\n") == line


@pytest.mark.parametrize(
    "text",
    [
        "# -r other.txt is not here\ntorch==2.9.0  # ./mine\n",
        "--extra-index-url https://download.pytorch.org/whl/cu128\ntorch==2.9.0\n",
        "-f https://download.pytorch.org/whl/torch_stable.html\n",
        "mine @ https://example.org/mine-1-py3-none-any.whl\n",
        LOCK,
    ],
)
def test_packages_and_indexes_are(text: str) -> None:
    assert other_file(text) is None


def test_packages_are_installed_in_versions_that_fit_the_images(tmp_path: Path) -> None:
    place = tmp_path / "wheels"
    place.mkdir()
    for version in ("1.0", "2.0"):
        wheel(place, "shared", version)
    wheel(place, "mine", "1.0", needs="shared")
    lock, requirements = tmp_path / "training.lock", tmp_path / "requirements.txt"
    lock.write_text("shared==1.0 \\\n    --hash=sha256:0a30ef\n", encoding="utf-8")
    requirements.write_text(f"--no-index\n--find-links {place.as_uri()}\nmine\n", encoding="utf-8")
    assert main([str(requirements), str(lock), str(tmp_path / "recipes")]) == 0
    code = "import mine, shared; print(mine.version, shared.version)"
    path = {"PYTHONPATH": str(tmp_path / "recipes")}
    found = subprocess.run([sys.executable, "-c", code], env=path, check=True, capture_output=True, text=True)
    assert found.stdout.split() == ["1.0", "1.0"]
    assert not list(tmp_path.glob("*constraints*"))


def test_packages_that_do_not_fit_or_whose_hash_is_another_are_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "wheels"
    place.mkdir()
    wheel(place, "shared", "2.0")
    lock, requirements = tmp_path / "training.lock", tmp_path / "requirements.txt"
    lock.write_text("shared==1.0\n", encoding="utf-8")
    source = f"--no-index\n--find-links {place.as_uri()}\n"
    requirements.write_text(f"{source}shared==2.0\n", encoding="utf-8")
    assert main([str(requirements), str(lock), str(tmp_path / "recipes")]) != 0
    assert "The user requested (constraint) shared==1.0" in "".join(capfd.readouterr())
    lock.write_text("", encoding="utf-8")
    requirements.write_text(f"{source}shared==2.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
    assert main([str(requirements), str(lock), str(tmp_path / "recipes")]) != 0
    assert "DO NOT MATCH THE HASHES" in capfd.readouterr().err
