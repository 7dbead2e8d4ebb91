"""The names of the environment variables that templates set and the settings of functions and tasks read."""

from collections.abc import MutableMapping

FEATURES_TABLE = "SLIPWAY_FEATURES_TABLE"
PREDICTIONS_TABLE = "SLIPWAY_PREDICTIONS_TABLE"
CONTROL_TABLE = "SLIPWAY_CONTROL_TABLE"
MODEL_BUCKET = "SLIPWAY_MODEL_BUCKET"
ID_KEYS = "SLIPWAY_ID_KEYS"
"""The name of the secret parameter with the keys of prediction ids, not its value."""
CAPTURE_BUCKET = "SLIPWAY_CAPTURE_BUCKET"
HISTORY_BUCKET = "SLIPWAY_HISTORY_BUCKET"
BATCH_BUCKET = "SLIPWAY_BATCH_BUCKET"

# Set on the tasks of a heavy model.
MODEL = "SLIPWAY_MODEL"
SLOT = "SLIPWAY_SLOT"
VERSION = "SLIPWAY_VERSION"
BALANCER = "SLIPWAY_BALANCER"

# Set on a task that scores a shard of a batch job: the run as JSON, and the shard's number.
BATCH_RUN = "SLIPWAY_BATCH_RUN"
BATCH_SHARD = "SLIPWAY_BATCH_SHARD"

# Set on the controller.
API = "SLIPWAY_API"
ALARM_TOPIC = "SLIPWAY_ALARM_TOPIC"
RELEASE_TOPIC = "SLIPWAY_RELEASE_TOPIC"
SHADOW = "SLIPWAY_SHADOW"

# Set on the steps of training and on its tasks.
TRAINING_BUCKET = "SLIPWAY_TRAINING_BUCKET"
TRAINING_MACHINE = "SLIPWAY_TRAINING_MACHINE"
"""The ARN of the state machine, whose executions a step asks after."""
TRAINING_RUN = "SLIPWAY_TRAINING_RUN"
"""The run of a task, as JSON."""

# Of Powertools, which reads them itself.
SERVICE_NAME = "POWERTOOLS_SERVICE_NAME"
LOG_LEVEL = "POWERTOOLS_LOG_LEVEL"
TRACE_DISABLED = "POWERTOOLS_TRACE_DISABLED"

# Of OpenTelemetry, which reads all but the first itself.
TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
TRACES_SERVICE = "OTEL_SERVICE_NAME"
TRACES_SAMPLER = "OTEL_TRACES_SAMPLER"
TRACES_SHARE = "OTEL_TRACES_SAMPLER_ARG"


def use_region(environment: MutableMapping[str, str]) -> None:
    """Let boto3 use `AWS_REGION`, which the AWS CLI and other SDKs read and prefer; boto3 itself ignores it."""
    if region := environment.get("AWS_REGION"):
        environment["AWS_DEFAULT_REGION"] = region
