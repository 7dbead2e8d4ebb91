"""The steps of the state machine `retrain`: each takes its input and returns its part of the output."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from functions.training.services import Services, now
from slipway.errors import CheckFailedError
from slipway.models.package import Package
from slipway.training.account.checks import Checks
from slipway.training.account.desk import Begun, Start, run_id, training_of, trigger_of
from slipway.training.account.drafts import Drafts, data_of
from slipway.training.account.failures import failure_sentence
from slipway.training.account.progress import Data, Phase
from slipway.training.account.releasing import start_release
from slipway.training.dataset import DataSet
from slipway.training.run import Run
from slipway.training.steps import Declined, assemble, check, register

Given = Mapping[str, Any]
Step = Callable[[Services, Given], dict[str, Any]]


def begin_step(services: Services, given: Given) -> dict[str, Any]:
    """Begin a run, or say why not."""
    asked = given["given"]
    start = Start(
        model=asked["model"],
        run=asked.get("run") or run_id(given["started_at"], given["execution"]),
        execution=given["execution"],
        trigger=trigger_of(asked.get("trigger") or {}),
        by=asked.get("by") or "EventBridge",
        git_commit=asked.get("git_commit"),
    )
    begun: Begun = services.desk(tells=True).begin(start)
    if begun.run is None:
        return {"go": False, "reason": begun.reason}
    training = training_of(services.config, begun.run.model)
    return {
        "go": True,
        "model": begun.run.model,
        "run": begun.run.model_dump(mode="json"),
        "approval": training.approval == "required",
        "approval_seconds": int(training.approval_hours * 3600),
        "release": training.release.start,
    }


def assemble_step(services: Services, given: Given) -> dict[str, Any]:
    """Make the data set, or decline."""
    run, desk = _run(given), services.desk(tells=False)
    desk.enter(run, Phase.ASSEMBLING)
    made = assemble(services.ports(examples_of=run), run)
    if isinstance(made, Declined):
        return {"go": False, "reason": made.reason}
    found = _described(made)
    what = f"{run.recipe} trains on {found.train_rows:,} of {found.rows:,} labelled predictions."
    desk.enter(run, Phase.TRAINING, what, data=found)
    return {"go": True}


def train_step(services: Services, given: Given) -> dict[str, Any]:
    """Train in this function, for recipes that fit into it."""
    # The functions of the other steps lack what this needs.
    from slipway.training.account.fitting import fit

    run = _run(given)
    fit(run, services.ports(), Drafts(services.workspace), services.folder(run), root=services.settings.root)
    return {}


def check_step(services: Services, given: Given) -> dict[str, Any]:
    """Judge the draft by the gates."""
    run, desk, ports = _run(given), services.desk(tells=False), services.ports()
    desk.enter(run, Phase.CHECKING)
    package, _ = Drafts(services.workspace).fetch(run, services.folder(run))
    model, training = services.config.models[run.model], training_of(services.config, run.model)
    result = check(
        run,
        data_of(ports, run),
        package,
        serving=_serving(services, run),
        gates=training.gates,
        own=model.gates,
        root=services.settings.root,
        task_modules=services.config.light.task_modules,
    )
    Checks(services.workspace).keep(run, package, result)
    sentences = tuple(f"{each.name}: {each.sentence}" for each in result.results)
    what = "The gates passed." if result.passed else "The gates refused it."
    desk.enter(run, Phase.CHECKING, what, gates=sentences)
    failed = "; ".join(each.sentence for each in result.failed) or "there are no gates"
    return {"passed": result.passed, "reason": "" if result.passed else f"The gates refused it: {failed}."}


def register_step(services: Services, given: Given) -> dict[str, Any]:
    """Store the draft as a version, if the gates have passed just this package."""
    run, desk, ports = _run(given), services.desk(tells=False), services.ports()
    desk.enter(run, Phase.REGISTERING)
    package, state = Drafts(services.workspace).fetch(run, services.folder(run))
    result = Checks(services.workspace).of(run, package)
    if not result.passed:
        raise CheckFailedError(f"the package of training run {run.id} has not passed its gates")
    version = register(ports, run, data_of(ports, run), package, result, state=state)
    desk.enter(run, Phase.REGISTERING, f"It is version {version} of the registry.", version=version)
    return {"version": version}


def ask_step(services: Services, given: Given) -> dict[str, Any]:
    """Ask a person; the answer continues the execution."""
    services.desk(tells=True).ask(_run(given), int(given["version"]), given["token"])
    return {}


def approve_step(services: Services, given: Given) -> dict[str, Any]:
    """Write down who has approved the version, and why."""
    run, version, answer = _run(given), int(given["version"]), given["answer"]
    why = f": {answer['reason']}" if answer.get("reason") else "."
    services.desk(tells=False).enter(run, Phase.RELEASING, f"{answer['by']} approved version {version}{why}")
    return {}


def release_step(services: Services, given: Given) -> dict[str, Any]:
    """Start the release of the version."""
    run, version = _run(given), int(given["version"])
    services.desk(tells=False).enter(run, Phase.RELEASING, f"The release of version {version} is being started.")
    return {"release": start_release(services.config, services.releases, services.versions, run, version, now=now())}


def finish_step(services: Services, given: Given) -> dict[str, Any]:
    """End the run."""
    phase, found = Phase(given["phase"]), {}
    if release := given.get("release"):
        found["release"] = release
    services.desk(tells=True).finish(_run(given), phase, given.get("reason", ""), **found)
    return {"phase": phase.value}


def fail_step(services: Services, given: Given) -> dict[str, Any]:
    """End the run with why a step failed; one that has ended stays as it is, if only telling people failed."""
    run, desk = _run(given), services.desk(tells=True)
    progress, error = desk.runs.get(run.model, run.id), given["error"]
    if progress.phase is Phase.FAILED:  # the step is tried again
        sentence = progress.what
    else:
        said, awaited = _of_task(services, run) if progress.phase is Phase.TRAINING else ("", "")
        cause = error.get("Cause", "")
        sentence = failure_sentence(progress.phase, error.get("Error", ""), cause, said, awaited=awaited)
    if not progress.phase.ended or progress.phase is Phase.FAILED:
        desk.finish(run, Phase.FAILED, sentence)
    return {"reason": sentence}


def closed_step(services: Services, given: Given) -> dict[str, Any]:
    """End the run of an execution that was stopped, or took too long, which no step of it can write down."""
    detail, desk = given["detail"], services.desk(tells=True)
    asked = json.loads(detail.get("input") or "{}")
    for progress in desk.runs.past(asked.get("model", "")):
        if progress.execution != detail["executionArn"] or progress.phase.ended:
            continue
        ways = {"ABORTED": "was stopped", "TIMED_OUT": "took longer than it may"}
        why = f"It {ways.get(detail['status'], 'ended')} while {progress.phase}."
        desk.finish(progress.run, Phase.FAILED, why)
    return {}


STEPS: Mapping[str, Step] = {
    "begin": begin_step,
    "assemble": assemble_step,
    "train": train_step,
    "check": check_step,
    "register": register_step,
    "ask": ask_step,
    "approve": approve_step,
    "release": release_step,
    "finish": finish_step,
    "fail": fail_step,
    "closed": closed_step,
}


def _run(given: Given) -> Run:
    return Run.model_validate(given["run"])


def _of_task(services: Services, run: Run) -> tuple[str, str]:
    """What the task has said of its failure, and what it was waiting for if none has begun."""
    drafts = Drafts(services.workspace)
    awaits_gpu = training_of(services.config, run.model).compute == "gpu" and not drafts.has_started(run)
    return drafts.failure(run), "instance with a GPU" if awaits_gpu else ""


def _serving(services: Services, run: Run) -> Package | None:
    return None if run.parent is None else services.versions.package(run.model, run.parent)


def _described(data: DataSet) -> Data:
    return Data(rows=data.rows, train_rows=data.train_rows, sha256=data.sha256, since=data.since, until=data.until)
