"""The embedded AWS: up, deploy, status and down. `slipway local` finds this class by its entry point."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from local.emulator.addresses import await_answer, held
from local.emulator.iam import create_caller
from local.emulator.services import await_services
from local.environment import deployment, examples, settings, state
from local.environment.processes import StartError, start, stop
from local.environment.start_lock import is_locked, locked
from local.environment.state import Credentials, State
from local.environment.synthesis import synthesizing
from slipway.config import Authorization, load_local
from slipway.errors import ConflictError, NotFoundError, UnavailableError
from slipway.installation import application_folder

Step = Callable[[str], AbstractContextManager[None]]
"""Displays a step while it runs: ``with step("Deploying the stacks"): …``."""

_POLL_SECONDS = 0.1


class LocalEnvironment:
    """The embedded AWS of one checkout or project.

    Args:
        root: the checkout or the project, which has app.py and node_modules.
        folder: holds the state, the logs and the assembly; environments with different folders are independent.
        config: the slipway.yaml to deploy, whose folder has its models; by default that in ``root``.

    ``answer_seconds`` is how long its API waits for an answer. Tests give it more than an account does: on a machine
    that is busy with others of them, the first call of a function may take that long.
    """

    answer_seconds = settings.ANSWER_SECONDS

    def __init__(self, root: Path, folder: Path, config: Path | None = None) -> None:
        self._root = root.resolve()
        self._config = (config or root / "slipway.yaml").resolve()
        self._folder = folder.resolve()
        self._logs = self._folder / "logs"
        self._tasks = self._logs / "tasks"
        self._temporary = self._folder / "tmp"

    def up(self, *, port: int, step: Step, console: int | None = None) -> State:
        """Start everything and deploy to it; on failure or interruption, stop everything again.

        ``console`` is the port of the console, 0 for any free one; without it, none is started.

        Raises:
            ConflictError: it is already running or being started, or a port is taken.
            InputError: its folder cannot be written to.
            StartError: a step failed; the message ends with its log.
        """
        with locked(self._folder, "up"):
            self._check(port, console)
            self._clean()
            for folder in (self._logs, self._temporary):
                folder.mkdir(parents=True)
            try:
                return self._start(port, console, step)
            except BaseException:
                self.down()
                raise

    def deploy(self, *, step: Step) -> State:
        """Deploy the checkout's current state to the running environment; only what has changed is restarted.

        Raises:
            UnavailableError: it, or a part of it, is not running.
            ConflictError: an `up` or a `deploy` is at work.
            StartError: a step failed; the environment keeps running.
        """
        current = self.status()
        if current is None:
            raise UnavailableError("the embedded AWS", "it is not up; `slipway local up` starts it")
        with locked(self._folder, "deploy"):
            if problems := self.problems():
                raise UnavailableError("the embedded AWS", "; ".join(problems))
            cdk = settings.cdk_environment(os.environ, emulator=current.emulator)
            with self._synthesizing(cdk) as synthesized:
                self._finish(synthesized, step)
            return self._deploy(current, cdk, step)

    def status(self) -> State | None:
        """The running environment's state, or None if all its processes have ended."""
        found = state.read(self._folder)
        return found if found is not None and found.alive else None

    def problems(self) -> list[str]:
        """What keeps a running environment from working, each with its way out; empty if it works."""
        found = self.status()
        if found is None:
            return []
        if not found.ready and is_locked(self._folder):
            return ["it is still starting"]
        if not found.ready:
            return ["its start was broken off; `slipway local up` starts it anew"]
        return [f"{problem}; `slipway local down` stops the rest" for problem in found.problems]

    def down(self) -> bool:
        """Stop everything; False if there was nothing to stop."""
        found = state.read(self._folder)
        stopped = found is not None and stop(reversed(found.children))
        state.clear(self._folder)
        for leftover in (self._temporary, settings.memory_folder(self._temporary)):
            shutil.rmtree(leftover, ignore_errors=True)
        return stopped

    def wait(self) -> None:
        """Block while all processes run.

        Raises:
            StartError: one of them ended.
        """
        found = self.status()
        while found is not None:
            for child in found.children:
                if not child.alive:
                    raise StartError(f"the {child.name} ended", Path(child.log))
            time.sleep(_POLL_SECONDS)

    def _check(self, port: int, console: int | None) -> None:
        found = self.status()
        if found is not None and found.ready and found.emulator_alive:
            but = "".join(f", but {problem}" for problem in found.problems)
            raise ConflictError(
                f"the embedded AWS is already running at {found.api}{but}; `slipway local down` stops it"
            )
        for needed in (self._root / "app.py", self._config, self._root / "node_modules/.bin/cdk"):
            if not needed.exists():
                raise NotFoundError(
                    "file", str(needed), way_out="run this in a project or a checkout, after `make setup`"
                )
        with held(port), held(console or 0):
            pass

    def _clean(self) -> None:
        """Remove everything of an earlier run except the assembly, which may still be valid.

        Of a start that was broken off, and of an emulator that has ended, processes may be left.
        """
        self.down()
        shutil.rmtree(self._logs, ignore_errors=True)

    def _start(self, port: int, console: int | None, step: Step) -> State:
        with held(0) as emulator_port:
            pass
        emulator = f"http://{settings.HOST}:{emulator_port}"
        cdk = settings.cdk_environment(os.environ, emulator=emulator)
        with self._synthesizing(cdk) as synthesized:
            with step("Starting the embedded AWS"):
                current = self._start_emulator(port, emulator_port, emulator)
            with step("Preparing it for the CDK (cdk bootstrap)"):
                deployment.bootstrap(self._root, self._temporary, cdk, self._logs / "cdk-bootstrap.log")
            self._finish(synthesized, step)
        current = self._deploy(current, cdk, step)
        with step("Opening the API"):
            current = self._start_front_door(port, current)
        with step("Writing the example features"):
            examples.seed(self._config.parent, current.api)
        current = self._keep(current.model_copy(update={"ready": True}))
        if console is None:
            return current
        with step("Opening the console"):
            return self._start_console(console, current)

    def _synthesizing(self, cdk: Mapping[str, str]) -> AbstractContextManager[Callable[[], None] | None]:
        log = self._logs / "cdk-synth.log"
        return synthesizing(self._config, self._folder, root=self._root, environment=cdk, log=log)

    def _finish(self, synthesized: Callable[[], None] | None, step: Step) -> None:
        if synthesized is not None:
            with step("Synthesizing the stacks (cdk synth)"):
                synthesized()

    def _deploy(self, current: State, cdk: Mapping[str, str], step: Step) -> State:
        with step("Deploying the stacks (cdk deploy)"):
            outputs = deployment.deploy(self._root, self._folder, cdk, self._logs / "cdk-deploy.log")
        heavy = sorted(load_local(self._config).heavy_models)
        current = self._keep(current.model_copy(update={"outputs": outputs, "heavy_models": heavy}))
        if heavy:
            with step("Starting the heavy models"):
                await_services(current.emulator, self._tasks)
        return current

    def _start_emulator(self, port: int, emulator_port: int, emulator: str) -> State:
        child = start(
            state.EMULATOR,
            [
                sys.executable,
                "-m",
                "local.emulator.ministack",
                str(emulator_port),
                str(self._config.parent),
                str(self._tasks),
            ],
            folder=application_folder(),
            environment=settings.emulator_environment(os.environ, port=emulator_port, temporary=self._temporary),
            log=self._logs / "emulator.log",
        )
        current = State(
            api=f"http://{settings.HOST}:{port}",
            emulator=emulator,
            region=settings.REGION,
            credentials=Credentials(access_key_id=settings.ACCESS_KEY, secret_access_key=settings.SECRET_KEY),
        )
        current = self._keep(current.with_child(child))
        await_answer(f"{emulator}/_ministack/health", child)
        return current

    def _start_front_door(self, port: int, current: State) -> State:
        api_id = deployment.output(current.outputs, "ApiId")
        signs = load_local(self._config).api.authorization is Authorization.IAM
        keys = create_caller(current.emulator, api_id) if signs else None
        child = start(
            state.FRONT_DOOR,
            [
                sys.executable,
                "-m",
                "local.environment.frontdoor",
                str(port),
                current.emulator,
                api_id,
                str(self._folder / state.FILE),
                str(self.answer_seconds),
            ],
            folder=application_folder(),
            environment=settings.front_door_environment(os.environ, keys=keys),
            log=self._logs / "front-door.log",
        )
        current = self._keep(current.with_child(child))
        # The root path reaches no function, so waiting does not start one.
        await_answer(current.api, child)
        return current

    def _start_console(self, port: int, current: State) -> State:
        with held(port) as free:
            address = f"http://{settings.HOST}:{free}"
        command = [sys.executable, "-m", "slipway", "console", "--port", str(free), "--state", str(self._folder)]
        child = start(
            state.CONSOLE,
            [*command, "--config", str(self._config), "--node-modules", str(self._root / "node_modules")],
            folder=self._root,
            environment=settings.console_environment(os.environ),
            log=self._logs / "console.log",
        )
        current = self._keep(current.with_child(child).model_copy(update={"console": address}))
        # Its style is read from a file, so that waiting asks nothing of the API.
        await_answer(f"{address}/static/console.css", child)
        return current

    def _keep(self, current: State) -> State:
        state.write(self._folder, current)
        return current
