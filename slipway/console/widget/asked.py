"""What CloudWatch asks a custom widget for: the widget's own parameters, and the context of the dashboard around it.

Format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard_about.html
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipway.config.validation import field_problems
from slipway.errors import InputError

MOST = timedelta(days=7)
"""The longest window of a picture: an hour of it is one object of the bucket."""

_Milliseconds = Annotated[int, Field(ge=0, le=253_402_300_799_999)]
_Pixels = Annotated[float, Field(ge=100, le=4000)]


class Picture(StrEnum):
    """What a widget may show."""

    DRIFT = "drift"
    ACCURACY = "accuracy"
    WEIGHTS = "weights"


class _Zoom(BaseModel):
    model_config = ConfigDict(extra="ignore")

    start: _Milliseconds
    end: _Milliseconds


class _TimeRange(_Zoom):
    zoom: _Zoom | None = None


class Context(BaseModel):
    """The dashboard around a widget: its time range, its theme and the widget's size in pixels."""

    model_config = ConfigDict(extra="ignore")

    time_range: Annotated[_TimeRange | None, Field(alias="timeRange")] = None
    theme: Literal["light", "dark"] = "light"
    width: _Pixels = 600
    height: _Pixels = 300


class Asked(BaseModel):
    """A picture of one model, or with `weights` of all; without a version, of the stable one."""

    model_config = ConfigDict(extra="ignore")

    picture: Picture
    model: Annotated[str, Field(max_length=128)] | None = None
    version: Annotated[int, Field(ge=1)] | None = None
    context: Annotated[Context, Field(alias="widgetContext")] = Context()

    def window(self, now: datetime) -> tuple[datetime, datetime]:
        """The dashboard's time range, of which no more than the last seven days; without one, the last day."""
        given = self.context.time_range
        if given is None:
            return now - timedelta(days=1), now
        shown = given.zoom or given
        since, until = (datetime.fromtimestamp(each / 1000, UTC) for each in (shown.start, shown.end))
        if since >= until:
            raise InputError.of("widgetContext.timeRange", "must end after it starts")
        return max(since, until - MOST), until


def parse_asked(event: Mapping[str, Any]) -> Asked:
    """Parse an event of CloudWatch; raises InputError that names the field."""
    try:
        return Asked.model_validate(event)
    except ValidationError as error:
        raise InputError(field_problems(error)) from error
