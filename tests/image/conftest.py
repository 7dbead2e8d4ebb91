"""The image as buildah has it. `.ci/image` prepares the machine for these tests, builds the image and runs them."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from image.running import Image, Service, buildah

from slipway.config import Config, load_local

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def folder() -> Path:
    """Where these tests may write."""
    return Path(os.environ["SLIPWAY_IMAGE_FOLDER"])


@pytest.fixture(scope="session")
def sources(folder: Path) -> Path:
    """A copy of what a fresh clone holds, which may be altered; file times are kept, as a second build finds them."""
    copy = folder / "sources"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (CHECKOUT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, copy / name)
    return copy


@pytest.fixture(scope="session")
def config() -> Config:
    """What the image was built from."""
    return load_local(CHECKOUT / "slipway.yaml")


def mounted(name: str) -> Image:
    """The image, with its files where they can be looked at."""
    return Image(name, Path(buildah("mount", buildah("from", "--pull-never", name))))


@pytest.fixture(scope="session")
def image() -> Image:
    """The image for CPUs, built from the checkout."""
    return mounted(os.environ["SLIPWAY_IMAGE"])


@pytest.fixture(scope="session")
def rebuilt(image: Image, sources: Path) -> Image:
    """The image once more, after a change of the code."""
    with (sources / "slipway" / "errors.py").open("a", encoding="utf-8") as file:
        file.write("\n# A change.\n")
    name = f"{image.name}-rebuilt"
    command = [
        "container/build",
        "--environment",
        "local",
        "--tag",
        name,
        "--build-arg",
        f"BASE={os.environ['SLIPWAY_IMAGE_BASE']}",
    ]
    done = subprocess.run(command, cwd=sources, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return mounted(name)


@pytest.fixture
def environment(config: Config) -> dict[str, str]:
    """What the task definition of a slot would set, for a container that has no AWS to speak to."""
    name, model = next(iter(config.heavy_models.items()))
    return {"SLIPWAY_MODEL": name, "SLIPWAY_SLOT": "blue", "SLIPWAY_VERSION": str(model.stable)}


@pytest.fixture
def service(image: Image, environment: dict[str, str], folder: Path) -> Iterator[Service]:
    """The image, running and ready."""
    running = Service(image, environment, folder / "service.log")
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.kill()
