"""The pages of the console, and where each stands in its navigation."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its name in the navigation, its path and its routes.

    A path with ``{model}`` stands among the tabs of each model, every other one in the navigation of the project.
    """

    name: str
    path: str
    router: APIRouter

    @property
    def of_model(self) -> bool:
        """Whether the page is about one model."""
        return "{model}" in self.path


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of a navigation."""

    name: str
    address: str
    current: bool


def project_links(pages: Sequence[Page], path: str) -> list[Link]:
    """The navigation of the project."""
    return [Link(page.name, page.path, _is_in(path, page.path)) for page in pages if not page.of_model]


def model_links(pages: Sequence[Page], path: str, model: str) -> list[Link]:
    """The tabs of a model."""
    addresses = {page.name: page.path.format(model=model) for page in pages if page.of_model}
    # The page of the model itself is the beginning of every other one's path.
    current = max((at for at in addresses.values() if _is_in(path, at)), key=len, default="")
    return [Link(name, address, address == current) for name, address in addresses.items()]


def _is_in(path: str, address: str) -> bool:
    return path == address or (address != "/" and path.startswith(f"{address}/"))
