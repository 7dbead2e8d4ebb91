"""The pages, one module each, in the order of the navigation."""

from slipway.console.navigation import Page
from slipway.console.pages import (
    batch,
    captures,
    cost,
    entities,
    features,
    model,
    monitoring,
    overview,
    registry,
    release,
    training,
)

PAGES: tuple[Page, ...] = (
    overview.page,
    model.page,
    release.page,
    monitoring.page,
    captures.page,
    entities.page,
    features.page,
    training.page,
    batch.page,
    registry.page,
    cost.page,
)
