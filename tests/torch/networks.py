"""What the tests import with --torch: functions that return modules."""

from typing import Any

import torch
from torch import nn


class Table(nn.Module):
    """One matrix in; logits of three classes out."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.layers(features)
        return result


class Columns(nn.Module):
    """A column for each field, one of them looked up; one value out."""

    def __init__(self) -> None:
        super().__init__()
        self.places = nn.Embedding(5, 3)
        self.last = nn.Linear(4, 1)

    def forward(self, area: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.last(torch.cat([area / 100, self.places(place.squeeze(1))], dim=1))
        return result.squeeze(1)


class OneNumber(nn.Module):
    """A probability of the second label."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(4, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.last(features))


class Branches(nn.Module):
    """What it does depends on its first row, which tracing cannot see."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(4, 2)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.last(features)
        return found * 3 if bool(features[0, 0] > 1) else found


class Untraceable(nn.Module):
    """It has an operator that the tracing exporter does not know."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(4, 2)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return torch.sinc(self.last(features))


def seeded(kind: type[nn.Module]) -> Any:
    """The same weights every time."""
    torch.manual_seed(3)
    return kind()


def table() -> Any:
    """The module alone; its batch normalization has seen nothing."""
    return seeded(Table)


def columns() -> Any:
    """The module and examples that carry types and names."""
    examples = {"area": torch.tensor([50.5, 80.25, 30.0]), "place": torch.tensor([0, 4, 2])}
    return seeded(Columns), examples


def one_number() -> Any:
    """For questions on what one number is."""
    return seeded(OneNumber)


def branches() -> Any:
    """For the check against the original."""
    return seeded(Branches)


def untraceable() -> Any:
    """For the exporter that captures the program."""
    return seeded(Untraceable)


def weights() -> Any:
    """Not a module."""
    return table().state_dict()


class Wide(nn.Module):
    """Operators that only the capturing exporter knows, and weights that it keeps in a file of their own."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Linear(4, 4000), nn.Linear(4000, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        hidden = torch.sigmoid(self.first(features))
        result: torch.Tensor = self.last(torch.special.expm1(torch.special.xlog1py(hidden, torch.ones_like(hidden))))
        return result


def wide() -> nn.Module:
    return Wide().eval()
