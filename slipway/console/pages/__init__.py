"""The pages, one module each, in the order of the navigation."""

from slipway.console.navigation import Page
from slipway.console.pages import cost, model, overview, registry, release

PAGES: tuple[Page, ...] = (overview.page, model.page, release.page, registry.page, cost.page)
