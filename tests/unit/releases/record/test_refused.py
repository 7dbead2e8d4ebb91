"""What the start of a second release of a model is told."""

import pytest
from support.releases.records import make_release

from slipway.releases.record.phases import Phase
from slipway.releases.record.store import refused


@pytest.mark.parametrize(
    ("phase", "told"),
    [
        (Phase.RUNNING, "end it with `slipway release promote` or `rollback`"),
        (Phase.ROLLED_BACK, "has ended .rolled-back., and the controller is tidying up"),
        (Phase.PROMOTED, "has ended .promoted."),
    ],
)
def test_it_is_told_what_to_do(phase: Phase, told: str) -> None:
    with pytest.raises(type(error := refused(make_release().model_copy(update={"phase": phase}))), match=told):
        raise error
