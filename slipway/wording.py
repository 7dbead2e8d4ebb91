"""Numbers with nouns, for messages and reports."""


def counted(number: float, noun: str) -> str:
    """`1 minute`, `2.5 minutes`, `1,234 records`; ``noun`` is singular and takes an s."""
    return f"{number:,.10g} {noun}{'' if number == 1 else 's'}"
