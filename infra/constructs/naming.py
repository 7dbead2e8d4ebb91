"""Names of models as parts of names in a template."""


def pascal(name: str) -> str:
    """``tweet-sentiment-large`` as ``TweetSentimentLarge``."""
    return "".join(part.capitalize() for part in name.split("-"))
