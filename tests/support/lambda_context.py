"""What Lambda says of a call to the function that it calls."""

from dataclasses import dataclass

REQUEST_ID = "3f1c6e9a-5d0b-4c57-9a53-0a1b2c3d4e5f"


@dataclass(frozen=True)
class CallContext:
    """The parts of Lambda's context that are used."""

    function_name: str = "slipway-function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:slipway-function:live"
    aws_request_id: str = REQUEST_ID
    seconds_left: float = 60

    def get_remaining_time_in_millis(self) -> int:
        """How long the call may still take."""
        return int(1000 * self.seconds_left)
