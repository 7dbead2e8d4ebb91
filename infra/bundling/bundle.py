"""Build the folder of a function's code: our sources, the packages of its lock file, and the models.

A bundle is rebuilt only if one of its inputs has changed, and replaced atomically.
"""

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path, PurePosixPath

from infra.bundling.dependencies import RECIPE, Platform, compile_bytecode, install_dependencies
from infra.bundling.models import DeployedModel, load_deployed_models, load_shadowed_models
from slipway.bundling.sources import imported_files
from slipway.config import Config
from slipway.errors import ConfigError, FieldProblem
from slipway.installation import PACKAGE, application_folder, is_installed
from slipway.models.measurements.measured import measurements_of
from slipway.models.package import MANIFEST, read_manifest

SOURCES = application_folder()
"""The folder of functions/ and container/."""

CODE = PACKAGE.parent
"""The folder of slipway/."""

_OWN_MODULES = ("slipway", "functions", "container", "infra", "local")

_WITH_MANIFESTS = ("batch", "feedback")
_WITH_MEASUREMENTS = ("monitor", "widget")
_WITH_RECIPES = ("training",)
_WITH_MODELS = {"batch": load_deployed_models, "predict": load_deployed_models, "shadow": load_shadowed_models}


class Target(StrEnum):
    """Where the function runs."""

    LAMBDA = "lambda"
    """AWS: with its dependencies for arm64 and Python 3.13, stripped and precompiled."""
    NATIVE = "native"
    """Like `lambda`, but for this machine's processor, so that tests can start it."""
    HOST = "host"
    """The embedded AWS: only our sources and the models, because its functions see this environment's packages."""


_RECIPE = (Path(__file__), *RECIPE)
_PLATFORMS = {Target.LAMBDA: Platform.ARM64, Target.NATIVE: Platform.NATIVE}


def build_bundle(
    function: str, target: Target, *, root: Path, config_file: Path, config: Config, settings: Path | None = None
) -> Path:
    """Build ``build/<target>/<function>`` below ``root`` unless it is up to date, and return it.

    ``root`` is the folder of ``config_file``, with the model folders and task modules. The function reads
    ``settings`` as its slipway.yaml, by default ``config_file``.

    Raises:
        ConfigError: a path of slipway.yaml leaves ``root`` or does not exist.
        BundleError: the dependencies cannot be installed or compiled.
    """
    contents = {**_contents(function, root, config_file, config), "slipway.yaml": settings or config_file}
    lock = SOURCES / "functions" / function / "requirements.lock"
    stamp = _stamp(contents, [lock, *_RECIPE] if target in _PLATFORMS else [_RECIPE[0]])
    folder = root / "build" / target / function
    stamp_file = folder.with_name(f".{function}.sha256")
    with _locked(folder.with_name(f".{function}.lock")):
        if not folder.is_dir() or not stamp_file.is_file() or stamp_file.read_text(encoding="ascii") != stamp:
            stamp_file.unlink(missing_ok=True)
            _replace(folder, contents, lock, _PLATFORMS.get(target), store=package_store(root))
            stamp_file.write_text(stamp, encoding="ascii")
    return folder


def package_store(root: Path) -> Path:
    """The folder of the installed packages of each lock file: one for a checkout, and one for each project."""
    return (root if is_installed() else SOURCES) / "build" / "packages"


def _contents(function: str, root: Path, config_file: Path, config: Config) -> dict[str, Path]:
    """The bundle's files except slipway.yaml and installed packages, by their paths in the bundle."""
    files = {"functions/__init__.py": SOURCES / "functions/__init__.py"}
    files |= imported_files(SOURCES, f"functions/{function}", package=CODE, trains=function in _WITH_RECIPES)
    if function in _WITH_MODELS:
        files |= task_modules(root, config_file, config)
        files |= _model_files(_WITH_MODELS[function](config, root=root, config_file=config_file), config)
    if function in _WITH_MANIFESTS:
        files |= _manifests(root, config)
    if function in _WITH_MEASUREMENTS:
        files |= _measurements(root, config)
    if function in _WITH_RECIPES:
        files |= task_modules(root, config_file, config)
        files |= recipe_files(root, config_file, config)
        files |= _trained_versions(root, config_file, config)
    return dict(sorted(files.items()))


def recipe_files(root: Path, config_file: Path, config: Config) -> dict[str, Path]:
    """The files of the modules with recipes, and those of the labelled records of gates that are there.

    Raises:
        ConfigError: a module has the name of one of Slipway's own, or is not below ``root``.
    """
    files: dict[str, Path] = {}
    for name, training in config.trained_models.items():
        top = training.recipe.partition(":")[0].partition(".")[0]
        found = modules_of(root, config_file, top, f"models.{name}.training.recipe")
        if not found:
            message = f"`{training.recipe}` is not beside slipway.yaml, so no task would have it"
            raise ConfigError(config_file, [FieldProblem(f"models.{name}.training.recipe", message)])
        files |= found
        for path in (training.gates.labelled, config.models[name].gates.labelled):
            if path is not None and (root / path).is_file():
                files[Path(path).as_posix()] = root / path
    return files


def modules_of(root: Path, config_file: Path, top: str, key: str) -> dict[str, Path]:
    """The files of a top-level module below ``root``; raises ConfigError if it has the name of one of Slipway's own."""
    if top in _OWN_MODULES:
        raise ConfigError(config_file, [FieldProblem(key, f"it would replace Slipway's own `{top}`")])
    single = {f"{top}.py": root / f"{top}.py"} if (root / f"{top}.py").is_file() else {}
    return {**single, **files_below(root, root / top)}


def _trained_versions(root: Path, config_file: Path, config: Config) -> dict[str, Path]:
    """The packages of trained models beside slipway.yaml, which their runs compare with."""
    models = (DeployedModel.load(name, config, root=root, config_file=config_file) for name in config.trained_models)
    return _model_files(models, config)


def _manifests(root: Path, config: Config) -> dict[str, Path]:
    """The manifests of the versions beside slipway.yaml, by their paths in the bundle."""
    deployed = [config.model_folder(root, name) / str(n) for name, each in config.models.items() for n in each.versions]
    found = [folder / MANIFEST for folder in deployed if (folder / MANIFEST).is_file()]
    return {file.relative_to(root).as_posix(): file for file in found}


def _measurements(root: Path, config: Config) -> dict[str, Path]:
    """The manifests and measurements of captured models beside slipway.yaml, by their paths in the bundle."""
    captured = [path for path in _manifests(root, config).items() if _model_of(path[1]) in config.captured_models]
    files = dict(captured)
    for path, manifest in captured:
        for entry in measurements_of(read_manifest(manifest)):
            files[str(PurePosixPath(path).with_name(entry.path))] = manifest.with_name(entry.path)
    return files


def _model_of(manifest: Path) -> str:
    return read_manifest(manifest).name


def task_modules(root: Path, config_file: Path, config: Config) -> dict[str, Path]:
    """The files of the modules with the user's own tasks; a module outside ``root`` has none.

    Raises:
        ConfigError: a module has the name of one of Slipway's own.
    """
    files: dict[str, Path] = {}
    for module in config.light.task_modules:
        top = module.partition(".")[0]
        if top in _OWN_MODULES:
            problem = FieldProblem("light.task_modules", f"`{module}` would replace Slipway's own `{top}`")
            raise ConfigError(config_file, [problem])
        if (root / f"{top}.py").is_file():
            files[f"{top}.py"] = root / f"{top}.py"
        files |= files_below(root, root / top)
    return files


def files_below(root: Path, folder: Path) -> dict[str, Path]:
    """All files of ``folder`` except compiled ones, by their paths below ``root``."""
    return {
        file.relative_to(root).as_posix(): file
        for file in sorted(folder.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    }


def _model_files(models: Iterable[DeployedModel], config: Config) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for model in models:
        folder = PurePosixPath(config.models[model.name].path or f"models/{model.name}")
        for package in model.packages:
            at = folder / str(package.manifest.version)
            names = ["model.yaml", *(entry.path for entry in package.manifest.files)]
            files |= {f"{at / path}": package.path(path) for path in names}
    return files


def _stamp(contents: dict[str, Path], others: list[Path]) -> str:
    """A digest of everything that determines the bundle's content."""
    digest = hashlib.sha256()
    for name, file in [*contents.items(), *((f"({file.name})", file) for file in sorted(others))]:
        with file.open("rb") as opened:
            digest.update(f"{name}\0{hashlib.file_digest(opened, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()


def _replace(folder: Path, contents: dict[str, Path], lock: Path, platform: Platform | None, *, store: Path) -> None:
    """Build beside ``folder`` and rename the result into place."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        draft = Path(temporary) / "new"
        if platform is not None:
            install_dependencies(lock, platform, draft, store=store)
        ours = Path(temporary) / "ours"
        for name, file in contents.items():
            (ours / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, ours / name)
        if platform is not None:
            compile_bytecode(ours)
        shutil.copytree(ours, draft, dirs_exist_ok=True)
        draft.chmod(0o755)
        if folder.exists():
            folder.rename(Path(temporary) / "old")
        draft.rename(folder)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock on ``path``, so that concurrent synths do not build the same bundle."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
