"""Versions for training in an account: those of the bundle, and those of the registry, where runs register theirs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway.config import Config
from slipway.models.gates.rules import Check
from slipway.models.package import Package
from slipway.models.registry.fetching import find_version
from slipway.models.registry.registry import Registry
from slipway.models.registry.versions import Lineage, Origin
from slipway.training.account.workspace import Workspace, state_folder
from slipway.training.ports import Offered
from slipway.training.registering import offered_of
from slipway.training.run import Run


@dataclass(frozen=True, slots=True)
class AccountVersions:
    """`Versions` of the registry and the folder ``root`` of slipway.yaml; ``folder`` is for what is fetched."""

    config: Config
    root: Path
    registry: Registry
    workspace: Workspace
    folder: Path

    def package(self, model: str, number: int) -> Package:
        return find_version(self.config, self.root, self.registry, model, number, cache=self.folder / "versions")

    def state(self, model: str, number: int) -> Path | None:
        folder = self.folder / "states" / model / str(number)
        return folder if self.workspace.download(state_folder(model, number), folder) else None

    def offered(self, model: str) -> Sequence[Offered]:
        return offered_of(self.registry.versions(model))

    def register(self, package: Package, check: Check, run: Run, lineage: Lineage) -> int:
        # Numbers of slipway.yaml's versions may lie in no registry, and must not be given twice.
        above = max(self.config.models[run.model].versions)
        origin = Origin(by=run.by, git_commit=run.git_commit, parent=run.parent, lineage=lineage)
        return self.registry.register(package, check, origin, above=above).number

    def keep_state(self, model: str, number: int, state: Path) -> None:
        self.workspace.upload(state, state_folder(model, number))
