"""The pages, one module each, in the order of the navigation."""

from slipway.console.navigation import Page
from slipway.console.pages import (
    captures,
    cost,
    entities,
    features,
    model,
    monitoring,
    overview,
    registry,
    release,
)

PAGES: tuple[Page, ...] = (
    overview.page,
    model.page,
    release.page,
    monitoring.page,
    captures.page,
    entities.page,
    features.page,
    registry.page,
    cost.page,
)
