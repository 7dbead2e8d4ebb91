"""A ledger is read as it was written, and anything else is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.captures import HOUR

from slipway.errors import InputError, PackageError
from slipway.models.measurements.baseline import Text
from slipway.models.package import Package
from slipway.monitoring.profiles.ledger import Ledger, dump_ledger, load_ledger, source_of
from slipway.monitoring.profiles.making import VersionBins
from slipway.monitoring.profiles.profile import Profile

NUMBERS = st.sets(st.integers(0, 2**64 - 1))


@given(files=NUMBERS, ids=NUMBERS)
def test_a_ledger_is_read_as_it_was_written(files: set[int], ids: set[int]) -> None:
    profile = Profile("m", 3, HOUR, 60, "bins", 2, {"inputs.a": (1, 1)}, {"sums": (0.5,)}, "files")
    ledger = Ledger(files, ids, {(3, HOUR): profile})
    assert load_ledger(dump_ledger(ledger)) == ledger


@pytest.mark.parametrize("content", [b"", b"PK", b"{}", dump_ledger(Ledger())[:-30]])
def test_anything_else_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(InputError, match=r"ledgers/x\.npz: is not a ledger"):
        load_ledger(content, "ledgers/x.npz")


def test_a_source_is_the_same_whatever_the_order_of_files() -> None:
    assert source_of(["a", "b"]) == source_of(["b", "a"]) != source_of(["a"])


def test_a_map_of_pieces_that_is_none_is_an_altered_package(text_package: Package) -> None:
    text = text_package.baseline.inputs["text"]
    assert isinstance(text, Text)
    assert text.pieces is not None
    broken = text.model_copy(update={"pieces": text.pieces.model_copy(update={"seen": "?"})})
    package = Package(Path("models/tiny-sentiment/1"), text_package.manifest)
    package.__dict__["baseline"] = text_package.baseline.model_copy(update={"inputs": {"text": broken}})
    with pytest.raises(PackageError, match=r"baseline\.json: `pieces\.seen` is not a map of pieces"):
        VersionBins.of(package)
