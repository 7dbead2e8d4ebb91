"""Pieces are found by one rule, and those that training saw are known without keeping them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.models.measurements.baseline import Text, measure_baseline
from slipway.models.measurements.pieces import SeenPieces, hashes_of, measure_texts, pieces_of
from slipway.models.package import Package


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Don't STOP", ["don", "'", "t", "stop"]),
        ("10:45 on 2016-11-21", ["00", ":", "00", "on", "0000", "-", "00", "-", "00"]),
        ("so 😍😍 happy", ["so", "😍", "😍", "happy"]),
        ("Straße", ["strasse"]),
        ("東京 tower", ["東", "京", "tower"]),
        ("snake_case x2", ["snake_case", "x0"]),
        (" \n\t", []),
        ("\ud83d", ["\ud83d"]),
    ],
)
def test_words_are_found_by_one_rule(text: str, pieces: list[str]) -> None:
    assert pieces_of(text) == pieces
    assert len(hashes_of(text)) == len(pieces)


def test_hashes_are_the_same_for_ever() -> None:
    assert hashes_of("Hello world") == [907060870, 980881731]


def test_what_training_saw_is_told_from_what_it_did_not() -> None:
    seen = SeenPieces.of(f"word{chr(97 + first)}{chr(97 + second)}" for first in range(26) for second in range(26))
    measured = measure_texts(["wordaa wordzz", "never wordbb", "nothing here was ever known", ""], seen)
    assert measured.unseen is not None
    assert measured.unseen.tolist() == [0, 0.5, 1, 0]
    assert measured.words.tolist() == [2, 2, 5, 0]
    assert measured.characters.tolist() == [13, 12, 27, 0]
    assert measured.pieces.sum() == 9


@given(st.lists(st.text(), max_size=20))
def test_a_map_is_read_as_it_was_written_and_knows_all_its_texts(texts: list[str]) -> None:
    seen = SeenPieces.load(SeenPieces.of(texts).dump())
    measured = measure_texts(texts, seen)
    assert measured.unseen is not None
    assert not measured.unseen.any()


@pytest.mark.parametrize("text", ["", "!", "AAAA", "eJwDAAAAAAE="])
def test_what_is_no_map_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a map of pieces"):
        SeenPieces.load(text)


def made_up_words(count: int, digits: str) -> list[str]:
    return [f"{number * 7919:x}".translate(str.maketrans("0123456789", digits)) for number in range(count)]


def test_a_map_of_many_texts_is_small_and_rarely_mistaken() -> None:
    seen = SeenPieces.of(made_up_words(60_000, "ghijklmnop"))
    assert len(seen.dump()) < 80_000
    measured = measure_texts(made_up_words(2000, "qrstuvwxyz"), seen)
    assert measured.unseen is not None
    assert measured.unseen.mean() > 0.9


def measured_text(package: Package, texts: list[str], seen: SeenPieces | None) -> Text:
    outputs = [{"label": "neutral", "score": 0.5}] * len(texts)
    records = [{"text": text} for text in texts]
    summary = measure_baseline(package.manifest, records, outputs, seen={"text": seen} if seen else None).inputs["text"]
    assert isinstance(summary, Text)
    return summary


def test_training_texts_tell_what_is_unseen(text_package: Package) -> None:
    summary = measured_text(text_package, ["good day", "bad zebra"], SeenPieces.of(["good bad day"]))
    assert summary.unseen is not None
    assert (summary.unseen.mean, summary.unseen.max) == (0.25, 0.5)
    assert summary.pieces is not None
    assert summary.pieces.seen_by == "training"


def test_without_training_texts_one_half_of_the_records_is_measured_against_the_other(text_package: Package) -> None:
    summary = measured_text(text_package, ["good day", "good night", "bad day", "bad luck"], None)
    assert summary.unseen is not None
    assert (summary.unseen.count, summary.unseen.mean) == (2, 0.5)
    assert summary.pieces is not None
    assert summary.pieces.seen_by == "validation"


def test_texts_without_pieces_have_a_baseline_too(text_package: Package) -> None:
    summary = measured_text(text_package, [" "], None)
    assert (summary.unseen, summary.pieces) == (None, None)
