"""Find a project's deployment: in the embedded AWS if it is running here, else in the environment's account."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from slipway.cli.embedded import NAME, find_embedded
from slipway.config import Config
from slipway.config.deployment.stacks import stack_names
from slipway.config.heavy import SLOTS, SlotNames, output_prefix
from slipway.config.releases.shadow import ShadowNames
from slipway.errors import NotFoundError, UnavailableError


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

    def stable(self, config: Config, model: str) -> int:
        """The stable version that serves a model now; raises as `stables` does."""
        return self.stables(config, [model])[model]

    def stables(self, config: Config, models: Iterable[str]) -> dict[str, int]:
        """The stable version that serves each model now: of its releases, or of slipway.yaml if there was none.

        Raises:
            NotFoundError: no stack has the control table.
            UnavailableError: the control table cannot be read.
        """
        from slipway.aws.table import lazy_client  # imports botocore
        from slipway.releases.routing.serving_table import DynamoServingStore, stable_versions

        store = DynamoServingStore(self.output("ControlTable"), client=lazy_client(**self.options))
        return stable_versions(store, config, models, consistent=True)


def find_deployed(project: str) -> Deployed:
    """Find the deployment of a project.

    Raises:
        NotFoundError: nothing is deployed.
        UnavailableError: AWS cannot be reached, or the embedded AWS is not up any more, or not yet.
    """
    if (embedded := find_embedded()) is not None:
        return Deployed(NAME, embedded.all_outputs, dict(embedded.options))
    found = [account_outputs(stack) for stack in stack_names(project)]
    outputs = {name: value for each in found if each for name, value in each.items()}
    if not outputs:
        raise _not_deployed(f"{project}-serving")
    return Deployed("this account", outputs)


def account_outputs(stack: str) -> dict[str, str] | None:
    """The outputs of a stack in the environment's account, or None if it is not deployed.

    Raises:
        UnavailableError: the account cannot be asked; it also says that nothing runs on this machine.
    """
    from slipway.aws.stacks import stack_outputs  # boto3 takes a quarter of a second to import

    try:
        return stack_outputs(stack)
    except UnavailableError as error:
        reason = f"nothing runs on this machine (`make run` starts it here), and AWS cannot be asked: {error.reason}"
        raise UnavailableError("Slipway", reason) from error


def account_output(stack: str, name: str) -> str:
    """One output of a stack in the environment's account; raises NotFoundError, and as `account_outputs` does."""
    outputs = account_outputs(stack)
    if outputs is None:
        raise _not_deployed(stack)
    if name not in outputs:
        raise NotFoundError(f"output of stack {stack}", name, outputs)
    return outputs[name]


def _not_deployed(stack: str) -> NotFoundError:
    return NotFoundError(
        "deployed stack", stack, way_out="`make run` deploys it to this machine, `cdk deploy --all` to an account"
    )
