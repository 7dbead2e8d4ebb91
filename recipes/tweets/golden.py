"""Texts of our own making that the packages may hold word for word, as the tweets may not be published."""

import json
from pathlib import Path

from recipes.packaging import Validation
from recipes.tweets.data import LABELS, Tweets
from slipway.models.measurements.pieces import SeenPieces

TEXTS = (
    "Best concert of my life, and the encore was even better!",
    "My train is forty minutes late and nobody says a word. Thanks for nothing.",
    "The library on Elm Street opens at nine on Saturdays.",
    "just got the keys to our first flat 😍 can't stop smiling",
    "I want my money back. Worst phone I have ever owned.",
    "@someone are you coming to the match on Sunday?",
    "Happy birthday to the kindest person I know <3",
    "Third power cut this week and the fridge is a swamp. #fed #up",
    "The council votes on the new bridge tomorrow at 10 am.",
    "so proud of my little sister, she passed with top marks!!!",
    "This queue has not moved in an hour and my feet hurt :(",
    "New timetable for line 7 from Monday: http://example.com/line7",
    "The soup was cold, the waiter was rude, and we paid 80 dollars for it",
    "Nice weather for ducks, I suppose.",
    "Not bad at all. I would even go again.",
    "I don't know why everybody hates the ending, I loved it",
    "Flight cancelled, luggage gone, and it is raining. Great start to the holiday",
    "The museum is closed on Tuesday, may be worth a visit on Wednesday",
    "OMG!!!! we WON the cup!!!! best day everrrr",
    "They sat me next to the kitchen again. I may never come back.",
    "Our team plays away on the 14th and at home on the 21st",
    "lovely evening by the river with good friends and bad jokes",
    "My laptop died the night before the deadline. I could cry.",
    "Does anybody know whether the pool is open on Friday?",
    "What a goal! I have watched it ten times and may watch it again",
    "The second season is a sad, slow, boring mess",
    "Reading the minutes of the March meeting before the April one",
    "thank you to the driver who waited for me this morning, you saved my day",
    "Sick again, third time since October, so tired of this",
    "It may snow on the 2nd, says the forecast for the north.",
    "The update broke everything that worked. Well done, everyone.",
    "Fresh bread, strong coffee, sun on the balcony. Perfect.",
    "ok",
    "",
    "How are you?",
    "I am neither for nor against it; let us see what the figures say. The first report comes in May, the second in "
    "June, and the board meets after that, on the 9th of July, in the old town hall beside the market.",
)


def write_texts(path: Path) -> Path:
    """Write the texts as a file of records, and return its path."""
    path.write_text("".join(f"{json.dumps({'text': text})}\n" for text in TEXTS), encoding="utf-8")
    return path


def validation_of(tweets: Tweets, trained: Tweets) -> Validation:
    """Validation tweets with their labels, for packages whose golden records are the texts above."""
    return Validation(
        [{"text": text} for text in tweets.texts],
        [LABELS[label] for label in tweets.labels],
        golden=[{"text": text} for text in TEXTS],
        seen={"text": SeenPieces.of(trained.texts)},
    )
