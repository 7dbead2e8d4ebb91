"""The student: its network and its graph agree, and it learns what a teacher says."""

import random

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import BertPreTokenizer, Whitespace

from recipes.graphs import run_graph
from recipes.tweets.data import TweetFile, Tweets
from recipes.tweets.encoder.finetuning import Checkpoints, Schedule, finetune
from recipes.tweets.encoder.network import small_encoder
from recipes.tweets.student.graph import student_graph
from recipes.tweets.student.network import Size, StudentNetwork, largest_answers, weights_of
from recipes.tweets.student.package import write_student
from recipes.tweets.student.teacher import Teacher, answers, open_teacher, write_teacher
from recipes.tweets.student.words import choose_pieces, first_rows, words_to_swap
from slipway.models.prediction.predictor import Predictor

SIZE = Size(row=8, filters=6, widths=(1, 2, 3))
WORDS = {"good": 2, "fine": 2, "great": 2, "bad": 0, "awful": 0, "sad": 0, "day": 1, "table": 1, "train": 1}
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[unused1]", "\u6f22"]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def tokenizer():
    made = Tokenizer(WordPiece({word: at for at, word in enumerate([*SPECIAL, *WORDS])}, unk_token="[UNK]"))
    made.pre_tokenizer = Whitespace()
    return made


@pytest.fixture(scope="module")
def tweets():
    """Texts of one telling word and some others."""
    draw = random.Random(5)  # noqa: S311 - toy texts
    labels = [draw.randrange(3) for _ in range(120)]
    kinds = [[word for word, kind in WORDS.items() if kind == wanted] for wanted in range(3)]
    texts = [" ".join([draw.choice(kinds[1]), draw.choice(kinds[label]), draw.choice(kinds[1])]) for label in labels]
    return Tweets(texts, np.array(labels), np.full(120, 2013))


@pytest.fixture(scope="module")
def taught(tweets, tokenizer, tmp_path_factory):
    """Pieces, and a network that has learnt sure answers of a teacher."""
    pieces = choose_pieces(tokenizer, tweets.texts)
    torch.manual_seed(1)
    rows = first_rows(np.random.default_rng(3).normal(size=(len(pieces.numbers), 12)), SIZE.row)
    network = StudentNetwork(rows, SIZE, 3)
    probabilities = (0.9 * np.eye(3)[tweets.labels] + 0.1 / 3).tolist()
    kept = Checkpoints(tmp_path_factory.mktemp("student") / "c.safetensors", "d")
    ids = [encoding.ids for encoding in pieces.tokenizer.encode_batch(tweets.texts)]
    finetune(network, ids, probabilities, Schedule(epochs=30, batch=16, learning_rate=5e-3, seed=4), kept)
    return pieces, network.eval(), ids


def test_pieces_of_foreign_scripts_and_unused_ones_go(tokenizer, tweets):
    pieces = choose_pieces(tokenizer, tweets.texts)
    assert set(pieces.tokenizer.get_vocab()) == {"[PAD]", "[UNK]", "[CLS]", *WORDS}
    assert pieces.tokenizer.encode("good day").tokens == ["[CLS]", "good", "day"]
    assert [tokenizer.id_to_token(number) for number in pieces.numbers] == [
        pieces.tokenizer.id_to_token(at) for at in range(len(pieces.numbers))
    ]


def test_the_student_reads_words_as_its_teacher_does():
    vocabulary = [*SPECIAL, "don", "t", "beyonce", "'", "&", "<", "3", "!", "_", "\U0001f44d", "ok"]
    teacher = Tokenizer(WordPiece({piece: at for at, piece in enumerate(vocabulary)}, unk_token="[UNK]"))
    teacher.pre_tokenizer = BertPreTokenizer()
    text = "Don\u2019t BEYONC\u00c9_&amp;\u200d &lt;3!! \U0001f44d\U0001f3fdok"
    pieces = choose_pieces(teacher, [*vocabulary, text])
    found = pieces.learnt[pieces.tokenizer.encode(text).ids]
    assert [teacher.id_to_token(pieces.numbers[at]) for at in found] == [
        *("[CLS]", "don", "'", "t", "beyonce", "_", "&", "<", "3", "!", "!", "\U0001f44d", "ok")
    ]


def test_the_graph_answers_what_the_network_does(taught):
    _, network, ids = taught
    row = torch.tensor([ids[0]])
    with torch.inference_mode():
        wanted = network(row, torch.ones_like(row)).softmax(-1).numpy()
    graph = student_graph("s", weights_of(network, np.zeros(3), largest_answers(network, ids)))
    assert run_graph(graph, {"input_ids": row.numpy()}) == pytest.approx(wanted, abs=0.02)


def test_it_learns_probabilities(taught, tweets):
    _, network, ids = taught
    ids = torch.tensor(ids)
    with torch.inference_mode():
        found = network(ids, torch.ones_like(ids)).softmax(-1).numpy()
    assert (found.argmax(1) == tweets.labels).mean() > 0.95
    assert 0.8 < found.max(1).mean() < 0.97


def test_offsets_move_the_answers(taught):
    _, network, ids = taught
    graph = student_graph("s", weights_of(network, np.array([50.0, 0, 0]), largest_answers(network, ids)))
    assert (run_graph(graph, {"input_ids": np.array(ids)}).argmax(1) == 0).all()


def test_words_are_swapped_for_near_ones(tokenizer):
    meanings = np.random.default_rng(0).normal(size=(tokenizer.get_vocab_size(), 16))
    good, fine = tokenizer.token_to_id("good"), tokenizer.token_to_id("fine")
    meanings[fine] = meanings[good] + 0.01
    words = words_to_swap(tokenizer, meanings, ["good day"])
    assert words.near["good"][0] == "fine"
    assert set(words.near) == {"good", "day"}


# PyTorch's: of the exporter that it wants left, and of what the tracing sees as constant.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::torch.jit.TracerWarning", "ignore:Exporting aten")
def test_the_teacher_answers_as_its_model_and_goes_on(tokenizer, tweets, tmp_path, capsys, monkeypatch):
    model = small_encoder(tokenizer.get_vocab_size(), seed=3)
    write_teacher(model, tmp_path / "teacher.onnx")
    teacher = open_teacher(tmp_path / "teacher.onnx", tokenizer)
    monkeypatch.setattr("recipes.tweets.student.teacher.PART", 50)
    whole = answers(teacher, tweets.texts, tmp_path / "whole")
    assert whole.sum(axis=1) == pytest.approx(np.ones(120), abs=1e-5)

    asked = []

    class Leaves(Teacher):
        def probabilities(self, texts):
            asked.append(len(texts))
            if len(asked) == 2:
                raise KeyboardInterrupt
            return super().probabilities(texts)

    leaving = Leaves(teacher.session, teacher.tokenizer)
    with pytest.raises(KeyboardInterrupt):
        answers(leaving, tweets.texts, tmp_path / "parts")
    assert np.array_equal(answers(leaving, tweets.texts, tmp_path / "parts"), whole)
    assert asked == [50, 50, 50, 20]
    assert "120 of 120 texts" in capsys.readouterr().out


def test_the_package_predicts(taught, tweets, tmp_path):
    pieces, network, ids = taught
    graph = student_graph("s", weights_of(network, np.zeros(3), largest_answers(network, ids)))
    files = [TweetFile(name, "0" * 64, tweets) for name in ("train.tsv", "val.tsv")]
    package = write_student(
        tmp_path / "tweet-sentiment" / "3",
        graph,
        pieces.tokenizer,
        parameters={
            "size": {"row": 8, "filters": 6, "widths": (1, 2, 3)},
            "schedule": {"epochs": 1, "seed": 4},
        },
        files=files,
        quality=[{"metric": "macro recall", "value": 0.9, "data": "train.tsv"}],
        checked=tweets,
    )
    assert package.manifest.training.teacher == "tweet-sentiment-large:2"
    outputs = Predictor(package).predict([{"text": text} for text in ("good day", "", "awful")])
    assert [output["label"] for output in outputs][::2] == ["positive", "negative"]
