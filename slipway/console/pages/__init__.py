"""The pages, one module each, in the order of the navigation."""

from slipway.console.navigation import Page
from slipway.console.pages import model, overview, release

PAGES: tuple[Page, ...] = (overview.page, model.page, release.page)
