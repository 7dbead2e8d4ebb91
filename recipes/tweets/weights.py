"""Weights of networks as training state: files of safetensors, which hold numbers and no code."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from recipes.packaging import sha256
from slipway.errors import TrainingError
from slipway.training.recipe import Parent


def kept_by(parent: Parent | None, name: str) -> Path | None:
    """The file ``name`` of a parent's training state, if its recipe left one."""
    if parent is None or parent.state is None or not (parent.state / name).is_file():
        return None
    return parent.state / name


def digest_of(file: Path | None) -> str:
    """The digest of a file that a training goes on from, or a word that there is none."""
    return sha256(file.read_bytes()) if file else "anew"


def save_weights(network: nn.Module, file: Path, beside: Mapping[str, torch.Tensor] | None = None) -> None:
    """Write the weights, and other tensors ``beside`` them whose names no weight has."""
    weights = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_file(weights | dict(beside or {}), file)


def restore_weights(network: nn.Module, file: Path) -> None:
    """Read weights of `save_weights` into a network; tensors beside them are passed over.

    Raises:
        TrainingError: they are those of a network of another shape.
    """
    stored, wanted = load_file(file), network.state_dict()
    if differing := [name for name, tensor in wanted.items() if _shape(stored.get(name)) != tuple(tensor.shape)]:
        raise TrainingError(
            f"{file.name} of the version before has a network of another shape ({differing[0]}); train once with "
            f"`mode: stateless`, or with the parameters that it was trained with"
        )
    network.load_state_dict({name: stored[name] for name in wanted})
    print(f"going on from {file.name}, sha256 {digest_of(file)[:12]}", flush=True)


def _shape(tensor: torch.Tensor | None) -> tuple[int, ...] | None:
    return None if tensor is None else tuple(tensor.shape)
