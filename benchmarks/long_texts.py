"""How long one request of much text keeps a processor busy, which `models.<name>.limits` bounds.

Text of English prose is split into records in several ways and predicted one record at a time by one thread, as a heavy
task of one processor runs a graph whose answers depend on their batch. The table shows the least processor time of the
rounds, because other work on the machine only adds to it.

    python -m benchmarks.long_texts [MODEL VERSION] [--characters 131072 …] [--rounds 3]
"""

import argparse
import time
from collections.abc import Sequence

from benchmarks.bundles import REPOSITORY, machine
from slipway.config import load_local
from slipway.models.manifest import Record
from slipway.models.package import checking_package
from slipway.models.prediction.predictor import Predictor

MOST_RECORDS = 128
_PROSE = "The train was late again this morning, so we walked along the river and talked about the match. "


def splits(characters: int, longest: int) -> list[int]:
    """The numbers of records to split a text into: as few as records of ``longest`` allow, as many as a request may."""
    fewest = -(-characters // longest)
    return sorted({min(MOST_RECORDS, max(fewest, count)) for count in (fewest, 32, 64, MOST_RECORDS)})


def records(field: str, characters: int, count: int) -> list[Record]:
    """``count`` records with ``characters`` characters in all."""
    length = characters // count
    text = _PROSE * (length // len(_PROSE) + 1)
    return [{field: text[:length]} for _ in range(count)]


def seconds(predictor: Predictor, asked: Sequence[Record], rounds: int) -> float:
    """The least processor time of the rounds."""
    taken = []
    for _ in range(rounds):
        began = time.process_time()
        for record in asked:
            predictor.predict_batch([record])
        taken.append(time.process_time() - began)
    return min(taken)


def main() -> None:
    """Print a row for each number of characters and each split."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="tweet-sentiment-large")
    parser.add_argument("version", nargs="?", type=int, default=2)
    parser.add_argument("--characters", type=int, nargs="+", default=[16_384, 32_768, 65_536, 131_072, 524_288])
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    folder = load_local(REPOSITORY / "slipway.yaml").model_folder(REPOSITORY, asked.model) / str(asked.version)
    with checking_package(folder) as package:
        predictor = Predictor(package, threads=1)
        (field,) = package.manifest.inputs
    print(machine())
    print("| characters | records | of characters | seconds of one processor |\n| ---: | ---: | ---: | ---: |")
    for characters in asked.characters:
        for count in splits(characters, field.max_characters or characters):
            text = records(field.name, characters, count)
            taken = seconds(predictor, text, asked.rounds)
            print(f"| {characters:,} | {count} | {characters // count:,} | {taken:.2f} |")


if __name__ == "__main__":
    main()
