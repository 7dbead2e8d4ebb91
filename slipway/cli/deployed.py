"""Find a project's deployment: in the embedded AWS if it is running here, else in the environment's account."""

import json
from dataclasses import dataclass, field
from typing import Any

from slipway.cli.project import LOCAL_STATE, embedded_aws
from slipway.config import Config
from slipway.config.heavy import SLOTS, SlotNames, output_prefix
from slipway.config.shadow import ShadowNames
from slipway.errors import NotFoundError, UnavailableError

_STACKS = ("state", "serving", "heavy", "shadow", "releases")


@dataclass(frozen=True)
class Deployed:
    """The outputs of a project's stacks by name, and the options of boto3's clients that reach them."""

    place: str
    outputs: dict[str, str]
    options: dict[str, Any] = field(default_factory=dict, repr=False)

    def output(self, name: str) -> str:
        """One output; raises NotFoundError if no stack has it."""
        if name not in self.outputs:
            raise NotFoundError(f"output in {self.place}", name, self.outputs)
        return self.outputs[name]

    def slots(self, model: str) -> SlotNames:
        """The names of a heavy model's slots; raises NotFoundError if no stack has the model."""
        prefix = output_prefix(model)
        return SlotNames(
            cluster=self.output("ClusterName"),
            rule=self.output(f"{prefix}Rule"),
            services={slot: self.output(f"{prefix}{slot.capitalize()}Service") for slot in SLOTS},
            groups={slot: self.output(f"{prefix}{slot.capitalize()}Targets") for slot in SLOTS},
        )

    def shadow(self, config: Config) -> ShadowNames | None:
        """The function that scores shadows and the log groups of captures; None if it is not deployed."""
        if "ShadowFunction" not in self.outputs:
            return None
        logs = dict.fromkeys(config.light_models, self.output("PredictLogs"))
        heavy = {name: f"{output_prefix(name)}Logs" for name in config.heavy_models}
        logs |= {name: self.outputs[output] for name, output in heavy.items() if output in self.outputs}
        return ShadowNames(self.output("ShadowFunction"), logs)


def find_deployed(project: str) -> Deployed:
    """Find the deployment of a project.

    Raises:
        NotFoundError: nothing is deployed.
        UnavailableError: AWS cannot be reached, or the embedded AWS is still starting.
    """
    if embedded_aws():
        return _embedded(json.loads(LOCAL_STATE.read_text(encoding="utf-8")))
    from slipway.aws.stacks import stack_outputs

    found = [stack_outputs(f"{project}-{stack}") for stack in _STACKS]
    outputs = {name: value for each in found if each for name, value in each.items()}
    if not outputs:
        raise NotFoundError(
            "deployed stack",
            f"{project}-serving; `cdk deploy --all` deploys it to an account, `slipway local up` to this machine",
        )
    return Deployed("this account", outputs)


def _embedded(state: dict[str, Any]) -> Deployed:
    outputs = {name: value for stack in state["outputs"].values() for name, value in stack.items()}
    if not state["ready"]:
        raise UnavailableError(
            "the embedded AWS", "it is still starting; `slipway local status` shows when it is ready"
        )
    return Deployed("the embedded AWS", outputs, embedded_options(state))


def embedded_options(state: dict[str, Any]) -> dict[str, Any]:
    """The client options for the embedded AWS, from its state."""
    return {
        "endpoint_url": state["emulator"],
        "region_name": state["region"],
        "aws_access_key_id": state["credentials"]["access_key_id"],
        "aws_secret_access_key": state["credentials"]["secret_access_key"],
    }
