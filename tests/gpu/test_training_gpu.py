"""Networks of the recipes are trained on the GPU, go on there where they were interrupted, and come back from it."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support.finetuned import VOCABULARY, interrupted_at, kinds_of_words

from recipes.tweets.encoder.finetuning import Checkpoints, Schedule, finetune
from recipes.tweets.encoder.network import SentimentEncoder, logits, small_encoder

SCHEDULE = Schedule(epochs=20, batch=8, learning_rate=5e-3, seed=7)
LEFT_AT = 61


@pytest.fixture(scope="module")
def texts() -> tuple[list[list[int]], list[int]]:
    return kinds_of_words()


def trained(texts: tuple[list[list[int]], list[int]], kept: Checkpoints) -> SentimentEncoder:
    model = small_encoder(VOCABULARY, seed=1)
    finetune(model, *texts, SCHEDULE, kept)
    return model


def test_it_learns_on_the_gpu_and_comes_back(
    texts: tuple[list[list[int]], list[int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = set()
    step = torch.optim.AdamW.step

    def noted(self: torch.optim.AdamW) -> object:
        places.update(each.device.type for group in self.param_groups for each in group["params"])
        return step(self)

    monkeypatch.setattr(torch.optim.AdamW, "step", noted)
    model = trained(texts, Checkpoints(tmp_path / "c.safetensors", "d"))
    assert places == {"cuda"}
    assert {each.device.type for each in model.parameters()} == {"cpu"}
    found = logits(model, texts[0]).argmax(1).tolist()
    assert sum(a == b for a, b in zip(found, texts[1], strict=True)) > 55


def test_it_goes_on_where_it_was_interrupted(
    texts: tuple[list[list[int]], list[int]],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    whole = trained(texts, Checkpoints(tmp_path / "whole.safetensors", "d", every=1000))
    kept = Checkpoints(tmp_path / "parts.safetensors", "d", every=10)
    with interrupted_at(LEFT_AT):
        trained(texts, kept)
    parts = trained(texts, kept)
    pairs = zip(whole.parameters(), parts.parameters(), strict=True)
    apart = max(float((a - b).detach().abs().max()) for a, b in pairs)
    record_property("apart", apart)
    assert apart < 1e-3
