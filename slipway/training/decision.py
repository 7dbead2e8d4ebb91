"""Decides whether a run goes on: enough new labels, and nothing that was offered and withdrawn before."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from slipway.config.training import Scalar
from slipway.models.registry.versions import Lineage
from slipway.training.assembling import Assembled
from slipway.training.dataset import DataSet
from slipway.training.ports import Offered
from slipway.training.run import Run
from slipway.wording import counted


@dataclass(frozen=True, slots=True)
class Declined:
    """The run ends here, without an error: ``reason`` is a sentence."""

    reason: str


def too_little(run: Run, assembled: Assembled, known: Set[str], labels: Sequence[str] = ()) -> Declined | None:
    """Decline a run whose window has too few labels that are not among the ``known`` ids, or only one moment.

    ``labels`` are those of a classifier with one label a record: a stateless run needs each of them to train on, since
    its version could not answer one that it never saw.
    """
    new = sum(example.id not in known for example in assembled.examples)
    if new < run.min_new_labels:
        window = f"from {run.window.since:%Y-%m-%d %H:%M} to {run.window.until:%Y-%m-%d %H:%M} UTC"
        asked = f"`training.min_new_labels` asks for {run.min_new_labels:,}"
        return Declined(f"the window {window} has {counted(new, 'new label')}, and {asked}{_left_out(assembled)}")
    if assembled.train == 0:
        reason = (
            "all labels are of one moment, or too few for their number, so that no earlier ones are left to train on"
        )
        return Declined(reason)
    seen = {example.true for example in assembled.examples[: assembled.train]}
    if run.mode == "stateless" and (absent := [label for label in labels if label not in seen]):
        return Declined(f"no record to train on is labelled {absent[0]!r}, which the model answers")
    return None


def _left_out(assembled: Assembled) -> str:
    if not assembled.unknown:
        return ""
    return f"; {counted(assembled.unknown, 'label')} that the model does not have were left out"


def compared_with(run: Run, offered: Iterable[Offered]) -> list[Offered]:
    """The versions whose labels are not new: the one that serves, and the one offered last, even if withdrawn.

    To another recipe, or one with other parameters, all labels are new.
    """
    same = (each for each in offered if _way(each.lineage) == (run.recipe, run.parameters, run.mode))
    known = sorted(same, key=lambda each: each.version)
    return [each for each in known if each.version == run.parent or each is known[-1]]


def _way(lineage: Lineage) -> tuple[str, Mapping[str, Scalar], str]:
    return lineage.recipe, lineage.parameters, lineage.mode


def offered_before(run: Run, data: DataSet, offered: Sequence[Offered]) -> Declined | None:
    """Decline what has been offered already: the same data, recipe, parameters and code, by another run."""
    fingerprint = run.fingerprint(data.sha256)
    same = [each for each in offered if each.lineage.fingerprint == fingerprint and each.lineage.run != run.id]
    if not same:
        return None
    last = max(same, key=lambda each: each.version)
    made = f"version {last.version} of {run.model} was made of the same data by the same recipe"
    if last.withdrawn is not None:
        return Declined(f"{made}, and withdrawn: {last.withdrawn}")
    return Declined(f"{made}, so this run would only repeat it")
