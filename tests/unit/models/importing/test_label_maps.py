"""Label maps with holes and tokens without embeddings of Hugging Face folders are refused by name."""

from types import SimpleNamespace

import pytest

from slipway.errors import InputError
from slipway.models.importing.sources.hugging_face import _labels, _require_embeddings


@pytest.mark.parametrize(
    ("labels", "kind", "message"),
    [
        (
            {1: "neg", 2: "pos"},
            None,
            "no label for output 0; outputs are numbered from 0, and it has 1, 2",
        ),
        ({0: "a", 1: "b"}, "regression", "for a regression"),
        ({0: "a"}, None, "has 1 label; at least two"),
    ],
)
def test_label_maps_that_do_not_fit_are_refused(labels: dict[int, str], kind: str | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        _labels(SimpleNamespace(num_labels=len(labels), problem_type=kind, id2label=labels))


def test_tokens_without_an_embedding_are_refused_by_name() -> None:
    tokenizer = SimpleNamespace(get_vocab=lambda: {"day": 0, "new": 65})
    with pytest.raises(InputError, match=r"1 token\(s\) without an embedding, e.g. 'new' with id 65"):
        _require_embeddings(tokenizer, SimpleNamespace(vocab_size=65))
    _require_embeddings(tokenizer, SimpleNamespace(vocab_size=66))
