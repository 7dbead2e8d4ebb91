"""Toy texts to fine-tune a small encoder on, and a training that is interrupted."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

VOCABULARY = 40


class Interrupted(Exception):
    pass


def kinds_of_words() -> tuple[list[list[int]], list[int]]:
    """Texts of three kinds of words, and their labels, which are the kinds."""
    chosen = random.Random(3)  # noqa: S311 - toy texts
    labels = [chosen.randrange(3) for _ in range(64)]
    texts = [[2, *(chosen.randrange(3 + 12 * k, 15 + 12 * k) for _ in range(chosen.randint(3, 9)))] for k in labels]
    return texts, labels


@contextmanager
def interrupted_at(number: int) -> Iterator[None]:
    """A training within is interrupted at the optimizer's step of this number."""
    step, calls = torch.optim.AdamW.step, []

    def leaves(self: torch.optim.AdamW) -> object:
        calls.append(1)
        if len(calls) == number:
            raise Interrupted
        return step(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", leaves)
        with pytest.raises(Interrupted):
            yield
