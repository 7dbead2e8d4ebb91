"""The gates' results of runs, in the bucket of training."""

import json
from dataclasses import dataclass

from pydantic import TypeAdapter

from slipway.errors import NotFoundError, PackageError
from slipway.models.gates.rules import Check
from slipway.models.package import Package
from slipway.training.account.drafts import digest_of
from slipway.training.account.workspace import CHECKS, Workspace, run_folder
from slipway.training.run import Run

_CHECK: TypeAdapter[Check] = TypeAdapter(Check)
_NAME = "check.json"


@dataclass(frozen=True, slots=True)
class Checks:
    """Stores each check with the digest of the package that was checked."""

    workspace: Workspace

    def keep(self, run: Run, package: Package, check: Check) -> None:
        """Store the check of a run's package."""
        document = {"manifest_sha256": digest_of(package), "check": _CHECK.dump_python(check, mode="json")}
        self.workspace.put(run_folder(CHECKS, run.model, run.id) + _NAME, json.dumps(document).encode())

    def of(self, run: Run, package: Package) -> Check:
        """The check of this package.

        Raises:
            NotFoundError: the run was not checked.
            PackageError: it was another package.
        """
        key = run_folder(CHECKS, run.model, run.id) + _NAME
        found = self.workspace.get(key)
        if found is None:
            raise NotFoundError("check of training run", run.id)
        document = json.loads(found)
        if document["manifest_sha256"] != digest_of(package):
            raise PackageError(package.folder, "is not the package that the gates have judged")
        return _CHECK.validate_python(document["check"])
