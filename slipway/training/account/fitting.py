"""Trains for a run in an account; it needs the libraries of recipes, which the other steps do without."""

from pathlib import Path

from slipway.training.account.drafts import Drafts, data_of
from slipway.training.fitting import train
from slipway.training.ports import Ports
from slipway.training.run import Run


def fit(run: Run, ports: Ports, drafts: Drafts, folder: Path, *, root: Path) -> None:
    """Train for a run in ``folder``, and store the draft; a run that has its draft is done.

    ``root`` is the folder of slipway.yaml, with the recipe.

    Raises:
        NotFoundError: the run has no data set.
        InputError, TrainingError: as `slipway.training.fitting.train`, which also passes on errors of the recipe.
    """
    if drafts.is_done(run):
        return
    data = data_of(ports, run)
    drafts.fetch_attempt(run, folder)
    like = ports.versions.package(run.model, run.parent) if run.parent is not None else None
    goes_on = run.mode == "stateful" and run.parent is not None
    state = ports.versions.state(run.model, run.parent) if goes_on and run.parent is not None else None
    package = train(run, data, folder, like=like, state=state, project=root)
    drafts.keep(run, package, folder / "state")
