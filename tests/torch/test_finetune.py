"""Fine-tuning: interrupted and gone on, it ends where it would have ended anyway."""

from dataclasses import replace

import pytest
import torch
from support.finetuned import VOCABULARY, interrupted_at, kinds_of_words

from recipes.tweets.encoder.finetuning import Checkpoints, Schedule, finetune
from recipes.tweets.encoder.network import logits, small_encoder
from slipway.errors import TrainingError

SCHEDULE = Schedule(epochs=2, batch=8, learning_rate=5e-3, seed=7)
STEPS = 16
LEFT_AT = 5


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def texts():
    return kinds_of_words()


def trained(texts, kept, schedule=SCHEDULE):
    model = small_encoder(VOCABULARY, seed=1)
    finetune(model, *texts, schedule, kept)
    return model


def test_learns(texts, tmp_path):
    model = trained(texts, Checkpoints(tmp_path / "c.safetensors", "d"), replace(SCHEDULE, epochs=20))
    found = logits(model, texts[0]).argmax(1).tolist()
    assert sum(a == b for a, b in zip(found, texts[1], strict=True)) > 55


def test_goes_on_where_it_was_interrupted(texts, tmp_path, capsys):
    whole = trained(texts, Checkpoints(tmp_path / "whole.safetensors", "d", every=100))
    kept = Checkpoints(tmp_path / "parts.safetensors", "d", every=2)
    with interrupted_at(LEFT_AT):
        trained(texts, kept)
    capsys.readouterr()

    parts = trained(texts, kept)

    assert "resuming after step 4" in capsys.readouterr().out
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), parts.parameters(), strict=True))


def test_a_finished_training_is_read(texts, tmp_path):
    kept = Checkpoints(tmp_path / "c.safetensors", "d")
    first, again = trained(texts, kept), trained(texts, kept)
    assert torch.equal(logits(first, texts[0]), logits(again, texts[0]))


def test_the_checkpoint_of_another_training_is_refused(texts, tmp_path):
    file = tmp_path / "c.safetensors"
    trained(texts, Checkpoints(file, "these texts"))
    with pytest.raises(TrainingError, match="of another training"):
        trained(texts, Checkpoints(file, "other texts"))


def test_no_draft_is_left(texts, tmp_path):
    trained(texts, Checkpoints(tmp_path / "c.safetensors", "d", every=3))
    assert [path.name for path in tmp_path.iterdir()] == ["c.safetensors"]
