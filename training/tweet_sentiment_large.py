"""Fine-tune ``tweet-sentiment-large`` on tweets that stay outside the repository.

``python -m training.tweet_sentiment_large --data ../shared/data/tweet-sentiment`` trains on the years before the split,
to measure, then on everything, to ship. Interrupted, it goes on where it was when it is called again.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from training.encoder import SentimentEncoder, load_pretrained, logits
from training.finetune import Checkpoints, Schedule, finetune
from training.tokens import encode
from training.tweets import LABELS, TweetFile, Tweets, read_tweets

SPLIT_YEAR = 2016
SCHEDULE = Schedule()
SPLIT, FULL = "split", "full"


@dataclass(frozen=True)
class Learnt:
    """A trained model with its tokenizer, and how often each label was in its data, [labels]."""

    model: SentimentEncoder
    tokenizer: Tokenizer
    priors: np.ndarray

    def logits(self, texts: Sequence[str]) -> np.ndarray:
        """Logits [N, labels] in float32."""
        return logits(self.model, encode(self.tokenizer, texts)).numpy()


def main() -> None:
    """Train what is asked for; a finished training is read from its checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/tweet-sentiment"), help="train.tsv, val.tsv")
    parser.add_argument("--work", type=Path, default=Path("build/training"), help="where checkpoints are kept")
    parser.add_argument("--only", choices=(SPLIT, FULL), help="one of the two trainings, and no package")
    options = parser.parse_args()
    training, validation = (read_tweets(options.data / name) for name in ("train.tsv", "val.tsv"))
    if options.only:
        learn(options.only, training, options.work)


def learn(name: str, training: TweetFile, work: Path, schedule: Schedule = SCHEDULE) -> Learnt:
    """``split``: trained on the years before the split; ``full``: on all of ``training``."""
    tweets = before(training.tweets) if name == SPLIT else training.tweets
    model, tokenizer = load_pretrained(schedule.seed)
    kept = Checkpoints(work / f"tweet-sentiment-large-{name}.safetensors", f"{name} of {training.sha256}")
    print(f"{name}: training on {len(tweets)} tweets", flush=True)
    finetune(model, encode(tokenizer, tweets.texts), tweets.labels.tolist(), schedule, kept)
    return Learnt(model, tokenizer, np.bincount(tweets.labels, minlength=len(LABELS)) / len(tweets))


def before(tweets: Tweets) -> Tweets:
    """The tweets of the years before the split."""
    return tweets.where(tweets.years < SPLIT_YEAR)


if __name__ == "__main__":
    main()
