"""`tweet-sentiment` 3 trained again by all steps of a run, with a small encoder in place of the pretrained one."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.retrained import START, Retrained, accuracy, assert_learned, tweets

from recipes import tweet_sentiment_large as large
from recipes import tweet_student
from recipes.tweets.data import LABELS, read_tweets
from recipes.tweets.lessons import settings
from recipes.tweets.student import distilling
from recipes.tweets.weights import digest_of
from slipway.errors import TrainingError
from slipway.models.prediction.predictor import Predictor
from slipway.training.local import Trained
from slipway.training.ports import Example

pytestmark = [
    pytest.mark.usefixtures("one_thread", "small_weights"),
    # PyTorch's: of the exporter that it wants left, and of what the tracing sees as constant.
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning", "ignore:Exporting aten"
    ),
]

RECIPE = "recipes.tweet_student:train"
PARAMETERS: dict[str, Any] = {
    "teacher_epochs": 30,
    "teacher_learning_rate": 3e-3,
    "row": 8,
    "filters": 6,
    "copies": 1,
    "epochs": 12,
    "batch": 16,
    "learning_rate": 5e-3,
}


def train(place: Retrained, name: str, parent: int, mode: str = "stateless", **changed: Any) -> Trained:
    return place.train(name, parent, recipe=RECIPE, mode=mode, parameters={**PARAMETERS, **changed})


def place_of(root: Path) -> Retrained:
    return Retrained.of(root, "tweet-sentiment", (3,), tweets(150))


@pytest.fixture(scope="module")
def first(small_weights: Path, one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Retrained, Trained]:
    place = place_of(tmp_path_factory.mktemp("student"))
    return place, train(place, "one", 3, "stateful")


def test_a_version_is_registered_that_proves_itself_and_has_learned(first: tuple[Retrained, Trained]) -> None:
    place, done = first
    package = place.package(done)
    assert_learned(package)
    shipped = place.versions.package(place.model, 3).manifest
    assert (package.manifest.inputs, package.manifest.quantization) == (shipped.inputs, shipped.quantization)


def test_a_stateful_version_goes_on_from_both_networks_of_its_parent(
    first: tuple[Retrained, Trained], capsys: pytest.CaptureFixture[str], losses: Callable[[str], list[float]]
) -> None:
    place, done = first
    place.examples.given += tweets(30, seed=6, start=START + timedelta(days=20))
    state = place.state(done)
    capsys.readouterr()
    second = train(place, "two", done.version or 0, "stateful", teacher_epochs=1, epochs=1)
    printed = capsys.readouterr().out
    for name in (large.WEIGHTS, distilling.WEIGHTS):
        assert f"going on from {name}, sha256 {digest_of(state / name)[:12]}" in printed
    third = train(place, "three", done.version or 0, teacher_epochs=1, epochs=1)
    (teacher, _), (teacher_anew, _) = losses(printed), losses(capsys.readouterr().out)
    assert teacher < teacher_anew / 2
    assert accuracy(place.package(second), tweets(30, seed=9)) > 0.9
    assert accuracy(place.package(third), tweets(30, seed=9)) < 0.9


def test_a_student_that_goes_on_reads_texts_as_its_parent_does(first: tuple[Retrained, Trained]) -> None:
    place, done = first
    time = START + timedelta(days=5)
    place.examples.given += [Example("s1", time, {"text": "the \u6f22 was lovely"}, "positive")]
    again = train(place, "four", done.version or 0, "stateful", epochs=1, copies=0)
    tokenizers = [place.package(each).path("tokenizer.json").read_bytes() for each in (done, again)]
    assert tokenizers[0] == tokenizers[1]


def test_weights_of_another_shape_are_refused(first: tuple[Retrained, Trained]) -> None:
    place, done = first
    with pytest.raises(
        TrainingError, match=r"student.safetensors .* another shape .*; train once with `mode: stateless`"
    ):
        train(place, "five", done.version or 0, "stateful", row=12)


def test_a_run_that_is_killed_goes_on_and_ends_with_the_same_graph(
    first: tuple[Retrained, Trained], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = place_of(tmp_path)

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(distilling, "student_graph", killed)
        with pytest.raises(KeyboardInterrupt):
            train(place, "one", 3)
    monkeypatch.setattr(torch.optim.AdamW, "step", killed)  # both networks were trained before
    wanted = first[0].package(first[1]).path("model.onnx").read_bytes()
    assert place.package(train(place, "one", 3)).path("model.onnx").read_bytes() == wanted


def test_what_it_makes_is_what_the_command_makes(
    first: tuple[Retrained, Trained], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, done = first
    rows = done.data.train()
    pairs = zip(rows["label"].to_pylist(), rows["text"].to_pylist(), strict=True)
    lines = ["year\tlabel\ttext", *(f"2013\t{label}\t{text}" for label, text in pairs)]
    (tmp_path / "train.tsv").write_text("\n".join(lines) + "\n")
    schedule = large.Schedule(PARAMETERS["teacher_epochs"], learning_rate=PARAMETERS["teacher_learning_rate"])
    monkeypatch.setattr(large, "SCHEDULE", schedule)
    recipe = tweet_student._recipe(settings(PARAMETERS, tweet_student.DEFAULTS))
    student = tweet_student.learn(large.FULL, recipe, read_tweets(tmp_path / "train.tsv"), tmp_path / "work")
    predictor = Predictor(place.package(done))
    for text in [str(each.record["text"]) for each in tweets(30, seed=9)]:
        [answer] = predictor.predict([{"text": text}])
        expected = student.probabilities([text])[0]
        assert [answer["scores"][label] for label in LABELS] == pytest.approx(np.asarray(expected).tolist(), abs=1e-6)
