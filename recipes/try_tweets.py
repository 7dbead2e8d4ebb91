"""Measure one recipe for tweet-sentiment, trained on 2013-2015 and scored on 2016, without writing a package.

``python -m recipes.try_tweets --vocabulary 8000 --buckets 262139 --characters 1 5 --offsets 1``
"""

import argparse
import time
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from recipes.tweets.data import Tweets, read_tweets
from recipes.tweets.ngrams import Recipe, best_offsets, macro_recall, train
from recipes.tweets.tokens import encode


def main() -> None:
    """Print macro recall, accuracy, and the macro recall with the best offsets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/tweet-sentiment"))
    parser.add_argument("--vocabulary", type=int, default=8000)
    parser.add_argument("--buckets", type=int, default=0, help="a prime, or 0 for no bigrams")
    parser.add_argument("--characters", type=int, nargs=2, metavar=("SHORTEST", "LONGEST"))
    parser.add_argument("--regularization", type=float, default=0.3, help="inverse regularization, as scikit-learn's C")
    parser.add_argument("--offsets", type=float, default=0, help="how far to move the bias, 0 to 1")
    options = parser.parse_args()
    characters = (options.characters[0], options.characters[1]) if options.characters else None
    recipe = Recipe(options.vocabulary, options.buckets, characters, options.regularization, options.offsets)
    with threadpool_limits(1):
        print(measure(recipe, read_tweets(options.data / "train.tsv").tweets))


def measure(recipe: Recipe, tweets: Tweets) -> str:
    """One line of figures for a recipe."""
    start = time.monotonic()
    tokenizer, tables = train(recipe, tweets.where(tweets.years < 2016))
    later = tweets.where(tweets.years == 2016)
    logits = tables.logits(encode(tokenizer, later.texts))
    best = macro_recall((logits + best_offsets(logits, later.labels)).argmax(axis=1), later.labels)
    predicted = logits.argmax(axis=1)
    recall, accuracy = macro_recall(predicted, later.labels), np.mean(predicted == later.labels)
    seconds = time.monotonic() - start
    return f"macro recall {recall:.4f} (best bias {best:.4f}), accuracy {accuracy:.4f}, {seconds:.0f} s"


if __name__ == "__main__":
    main()
