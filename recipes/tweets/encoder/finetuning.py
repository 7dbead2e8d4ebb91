"""Seeded fine-tuning that shows its progress and resumes where it was interrupted."""

import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

from recipes.tweets.encoder.network import pad
from slipway.errors import TrainingError

WARM_UP = 0.06
WEIGHT_DECAY = 0.01
MOST_NORM = 1.0
HEAD_RATE = 3.0
# Batches of similar length are cut from groups of this many batches: little padding, and the order stays random.
GROUP = 16
MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train. ``learning_rate`` warms up over the first steps, then decays linearly to zero."""

    epochs: int = 2
    batch: int = 64
    learning_rate: float = 8e-5
    smoothing: float = 0.0
    seed: int = 2026


@dataclass(frozen=True)
class Checkpoints:
    """Where and how often, in steps, to save the state of a training; ``data`` identifies its texts."""

    file: Path
    data: str
    every: int = 100


def finetune(
    model: nn.Module,
    texts: Sequence[Sequence[int]],
    labels: Sequence[int] | Sequence[Sequence[float]],
    schedule: Schedule,
    kept: Checkpoints,
    *,
    weights: np.ndarray | None = None,
) -> None:
    """Train ``model`` in place, from the last checkpoint if there is one; labels may be probabilities.

    ``weights`` [N] say how much each text counts; without them, all count the same. The model is on the GPU meanwhile,
    if there is one. The result is the same with and without interruptions, on one machine with one number of threads.
    """
    place = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(place)
    examples = _Examples(texts, labels, weights, place)
    batches = [batch for epoch in range(schedule.epochs) for batch in _batches(texts, schedule, epoch)]
    optimizer = _optimizer(model, schedule)
    torch.manual_seed(schedule.seed)
    done = _restore(model, optimizer, kept, schedule)
    started = time.monotonic()
    model.train()
    for step in range(done, len(batches)):
        rate = _rate(step, len(batches))
        for group in optimizer.param_groups:
            group["lr"] = group["scale"] * schedule.learning_rate * rate
        loss = examples.loss(model, batches[step], schedule.smoothing)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), MOST_NORM)
        optimizer.step()
        if (step + 1) % kept.every == 0 or step + 1 == len(batches):
            _save(model, optimizer, kept, schedule, step + 1)
            print(_progress(step + 1, len(batches), done, time.monotonic() - started, loss.item()), flush=True)
    model.to("cpu")


@dataclass(frozen=True)
class _Examples:
    """Texts and labels, how much each counts, and the device that trains on them."""

    texts: Sequence[Sequence[int]]
    labels: Sequence[int] | Sequence[Sequence[float]]
    weights: np.ndarray | None
    place: torch.device

    def loss(self, model: nn.Module, rows: Sequence[int], smoothing: float) -> torch.Tensor:
        """The mean loss of some rows; over all rows, the weights' mean is 1."""
        answers = model(*(each.to(self.place) for each in pad([self.texts[row] for row in rows])))
        wanted = torch.tensor([self.labels[row] for row in rows], device=self.place)
        if self.weights is None:
            return functional.cross_entropy(answers, wanted, label_smoothing=smoothing)
        counts = torch.tensor(self.weights[rows] / self.weights.mean(), dtype=torch.float32, device=self.place)
        each = functional.cross_entropy(answers, wanted, label_smoothing=smoothing, reduction="none")
        return (each * counts).mean()


def _batches(texts: Sequence[Sequence[int]], schedule: Schedule, epoch: int) -> Iterator[list[int]]:
    """The rows of each step of an epoch, which are deterministic."""
    shuffled = random.Random(f"{schedule.seed}/{epoch}")  # noqa: S311 - not a secret
    order = list(range(len(texts)))
    shuffled.shuffle(order)
    size = schedule.batch * GROUP
    groups = [sorted(order[at : at + size], key=lambda row: len(texts[row])) for at in range(0, len(order), size)]
    batches = [group[at : at + schedule.batch] for group in groups for at in range(0, len(group), schedule.batch)]
    shuffled.shuffle(batches)
    yield from batches


def _optimizer(model: nn.Module, schedule: Schedule) -> torch.optim.AdamW:
    """AdamW without decay of biases and norms, and with a higher learning rate for the new head."""
    groups = [
        {
            "params": [parameter],
            "scale": HEAD_RATE if name.startswith("head.") else 1.0,
            "weight_decay": WEIGHT_DECAY if parameter.ndim > 1 else 0.0,
        }
        for name, parameter in model.named_parameters()
    ]
    return torch.optim.AdamW(groups, lr=schedule.learning_rate)


def _rate(step: int, steps: int) -> float:
    return min(1.0, (step + 1) / (WARM_UP * steps + 1)) * (steps - step) / steps


def _progress(step: int, steps: int, done: int, seconds: float, loss: float) -> str:
    left = seconds / (step - done) * (steps - step)
    return f"step {step} of {steps}, loss {loss:.3f}, {left / 60:.0f} min left"


def _settings(kept: Checkpoints, schedule: Schedule) -> str:
    return json.dumps({"data": kept.data, **asdict(schedule)}, sort_keys=True)


def _save(model: nn.Module, optimizer: torch.optim.AdamW, kept: Checkpoints, schedule: Schedule, step: int) -> None:
    """Save everything that the next step depends on, replacing the last checkpoint atomically."""
    tensors: dict[str, torch.Tensor] = {"random": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors["random/gpu"] = torch.cuda.get_rng_state()
    for name, parameter in model.named_parameters():
        tensors[f"model/{name}"] = parameter.detach()
        tensors |= {f"{moment}/{name}": optimizer.state[parameter][moment] for moment in MOMENTS}
    kept.file.parent.mkdir(parents=True, exist_ok=True)
    draft = kept.file.with_suffix(".draft")
    save_file(tensors, draft, {"step": str(step), "settings": _settings(kept, schedule)})
    draft.replace(kept.file)


def _restore(model: nn.Module, optimizer: torch.optim.AdamW, kept: Checkpoints, schedule: Schedule) -> int:
    """Restore ``model`` and ``optimizer`` from the checkpoint, and return the number of steps done."""
    if not kept.file.exists():
        return 0
    with safe_open(kept.file, "pt") as file:
        about: Mapping[str, str] = file.metadata()
        if about["settings"] != _settings(kept, schedule):
            raise TrainingError(f"{kept.file} is of another training: {about['settings']}; delete it to start again")
        step = int(about["step"])
        for name, parameter in model.named_parameters():
            parameter.data.copy_(file.get_tensor(f"model/{name}"))
            moments = {moment: file.get_tensor(f"{moment}/{name}").to(parameter.device) for moment in MOMENTS}
            optimizer.state[parameter] = {"step": torch.tensor(float(step)), **moments}
        torch.set_rng_state(file.get_tensor("random"))
        if torch.cuda.is_available() and "random/gpu" in file.keys():  # noqa: SIM118 - no mapping
            torch.cuda.set_rng_state(file.get_tensor("random/gpu"))
    print(f"{kept.file}: resuming after step {step}", flush=True)
    return step
