"""The student in PyTorch, for training; `student_graph` is its ONNX graph."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from recipes.tweets.encoder.network import pad
from recipes.tweets.student.graph import Convolution, Weights

# A filter that is never active still needs a scale.
LEAST = 1e-6


@dataclass(frozen=True)
class Size:
    """The columns of a row, the filters per width, and the widths."""

    row: int = 96
    filters: int = 64
    widths: tuple[int, ...] = (1, 2, 3, 4)


@dataclass(frozen=True)
class Dropped:
    """The dropout rates of the rows and of the dense layer's inputs."""

    rows: float = 0.1
    features: float = 0.2


class StudentNetwork(nn.Module):
    """Ids and mask [N, T] to logits [N, labels]. ``rows`` [pieces, row] are the initial embeddings."""

    def __init__(self, rows: np.ndarray, size: Size, labels: int, dropped: Dropped = Dropped()) -> None:
        super().__init__()
        self.rows = nn.Embedding.from_pretrained(torch.tensor(rows, dtype=torch.float32), freeze=False, padding_idx=0)
        self.head = _Head(size, labels, dropped)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.head(self.rows(input_ids), attention_mask)

    def strongest(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """The maximum output of each filter in each text, [N, filters]."""
        rows = self.rows(input_ids)
        return self.head.strongest(rows.transpose(1, 2), attention_mask.unsqueeze(1).to(rows.dtype))


class _Head(nn.Module):
    """Everything but the rows; `finetune` trains it at a higher rate."""

    def __init__(self, size: Size, labels: int, dropped: Dropped) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv1d(size.row, size.filters, width) for width in size.widths)
        self.dense = nn.Linear(len(size.widths) * size.filters + size.row, labels)
        self.drop_rows, self.drop = nn.Dropout(dropped.rows), nn.Dropout(dropped.features)

    def forward(self, rows: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        mask = attention_mask.unsqueeze(1).to(rows.dtype)
        channels = self.drop_rows(rows).transpose(1, 2) * mask
        mean = channels.sum(2) / mask.sum(2).clamp(min=1).sqrt()
        return self.dense(self.drop(torch.cat([self.strongest(channels, mask), mean], 1)))

    def strongest(self, channels: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The maximum output of each filter [N, filters], at least 0, of ``channels`` [N, row, T]."""
        return torch.cat([self._strongest(each, channels, mask) for each in self.convolutions], 1)

    @staticmethod
    def _strongest(convolution: nn.Conv1d, channels: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        width = convolution.kernel_size[0]
        before = (width - 1) // 2
        answers = convolution(functional.pad(channels, (before, width - 1 - before)))
        return (answers.relu() * mask).amax(2)


@torch.inference_mode()
def largest_answers(network: StudentNetwork, texts: Sequence[Sequence[int]], batch: int = 256) -> np.ndarray:
    """The maximum output of each filter over all encoded texts, [filters]."""
    network.eval()
    order = sorted(texts, key=len)
    found = [network.strongest(*pad(order[at : at + batch])).amax(0) for at in range(0, len(order), batch)]
    return _array(torch.stack(found).amax(0))


def weights_of(network: StudentNetwork, offsets: Sequence[float] | np.ndarray, largest: np.ndarray) -> Weights:
    """The network's weights, with ``offsets`` added to the bias; ``largest`` comes from `largest_answers`."""
    head = network.head
    bounds = np.split(np.maximum(largest, LEAST), len(head.convolutions))
    return Weights(
        rows=_array(network.rows.weight),
        convolutions=[
            Convolution(_array(each.weight), _array(each.bias), bound)
            for each, bound in zip(head.convolutions, bounds, strict=True)
        ],
        dense=_array(head.dense.weight).T.copy(),
        bias=_array(head.dense.bias) + np.asarray(offsets),
    )


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().double().numpy()
