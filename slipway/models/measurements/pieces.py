"""The pieces of texts, counted and compared with those that training saw.

Pieces are words by one fixed rule, so that texts of all versions compare and no tokenizer is needed: a run of letters
and digits, a single character of a script without spaces, or a single other sign. Case is folded and each digit becomes
0, so that a new number or date is not a new piece.
"""

import base64
import re
import zlib
from binascii import Error as Base64Error
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from slipway.models.measurements.baseline import PIECE_CELLS

_LEAST_BITS, _MOST_BITS = 12, 20
_BITS_A_PIECE = 16
# Thai, Lao, Khmer, kana and Chinese characters: their words cannot be found without a dictionary.
_UNSPACED = "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_PIECE = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+|[^\w\s]")
_DIGIT = re.compile(r"\d")


def pieces_of(text: str) -> list[str]:
    """The pieces of a text, in order."""
    return _PIECE.findall(_DIGIT.sub("0", text.casefold()))


def hashes_of(text: str) -> list[int]:
    """32 bits of each piece, the same in every process and on every processor."""
    return [crc32(piece.encode("utf-8", "surrogatepass")) for piece in pieces_of(text)]


class SeenPieces:
    """The hashed pieces that training saw, as a map of 2^n bits with at least 16 bits for each piece, up to 2^20.

    A new piece is taken for a seen one as often as bits are set: one in 16 or less, up to 65,000 different pieces.
    """

    def __init__(self, bits: NDArray[np.bool_]) -> None:
        self._bits = bits
        self._mask = np.uint32(len(bits) - 1)

    @classmethod
    def of(cls, texts: Iterable[str]) -> "SeenPieces":
        """The pieces of some texts."""
        hashes = np.array(sorted({hashed for text in texts for hashed in hashes_of(text)}), dtype=np.uint32)
        size = max(_LEAST_BITS, min(_MOST_BITS, (len(hashes) * _BITS_A_PIECE - 1).bit_length()))
        bits = np.zeros(1 << size, dtype=np.bool_)
        bits[hashes & np.uint32(len(bits) - 1)] = True
        return cls(bits)

    @classmethod
    def load(cls, text: str) -> "SeenPieces":
        """Parse the output of `dump`; raises ValueError for anything else."""
        try:
            packed = zlib.decompressobj().decompress(base64.b64decode(text, validate=True), (1 << _MOST_BITS) // 8)
        except (Base64Error, zlib.error) as error:
            raise ValueError(f"is not a map of pieces: {error}") from error
        bits = np.unpackbits(np.frombuffer(packed, dtype=np.uint8)).astype(np.bool_)
        if len(bits) < (1 << _LEAST_BITS) or len(bits) & (len(bits) - 1):
            raise ValueError(f"is not a map of pieces: it has {len(bits)} bits")
        return cls(bits)

    @property
    def is_empty(self) -> bool:
        """Whether no piece was seen."""
        return not self._bits.any()

    def dump(self) -> str:
        """The map as text, compressed."""
        return base64.b64encode(zlib.compress(np.packbits(self._bits).tobytes(), 9)).decode()

    def sees(self, hashes: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Whether each hashed piece is one that training saw."""
        found: NDArray[np.bool_] = self._bits[hashes & self._mask]
        return found


@dataclass(frozen=True, slots=True)
class TextMeasures:
    """Measures of texts: one number each, and how many of all pieces fall into each of `PIECE_CELLS` cells.

    ``unseen`` is the share of a text's pieces that training never saw, 0 of a text without pieces; None without a map.
    """

    characters: NDArray[np.float64]
    words: NDArray[np.float64]
    unseen: NDArray[np.float64] | None
    pieces: NDArray[np.int64]


def measure_texts(texts: Sequence[str], seen: SeenPieces | None) -> TextMeasures:
    """Measure texts, one number each."""
    found = [hashes_of(text) for text in texts]
    words = np.fromiter(map(len, found), dtype=np.int64, count=len(found))
    hashes = np.fromiter((each for of_text in found for each in of_text), dtype=np.uint32, count=int(words.sum()))
    return TextMeasures(
        characters=np.fromiter(map(len, texts), dtype=np.float64, count=len(texts)),
        words=words.astype(np.float64),
        unseen=None if seen is None else _shares(~seen.sees(hashes), words),
        pieces=np.bincount(hashes % PIECE_CELLS, minlength=PIECE_CELLS),
    )


def _shares(flags: NDArray[np.bool_], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """The share of true flags in each of consecutive runs of the given lengths."""
    sums = np.concatenate([[0], np.cumsum(flags)])
    ends = np.cumsum(lengths)
    shares: NDArray[np.float64] = (sums[ends] - sums[ends - lengths]) / np.maximum(lengths, 1)
    return shares
