"""Encodes any text as a value of a CloudWatch dimension: 1 to 1,024 printable ASCII characters, not all of them blank.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html
"""

import hashlib
import string
from functools import lru_cache
from urllib.parse import quote

EMPTY = "%"
"""The value of the empty text; a percent sign in a text becomes %25, so that nothing else has this value."""

MOST_CHARACTERS = 1024
_KEPT = "".join(set(string.punctuation + " ") - {"%"})


@lru_cache(maxsize=1024)
def dimension_value(text: str) -> str:
    """Encode a text one to one; `urllib.parse.unquote` decodes all values but `EMPTY`.

    Percent signs, outer spaces, control characters and characters outside ASCII become the %XX of their UTF-8 bytes,
    and other text stays as it is. The end of a text that would be too long becomes its SHA-256, which nothing decodes.
    """
    core = text.strip(" ")
    before, _, after = text.partition(core) if core else (text, "", "")
    blanks, core = ("%20" * len(before), "%20" * len(after)), quote(core, safe=_KEPT, errors="surrogatepass")
    encoded = f"{blanks[0]}{core}{blanks[1]}" or EMPTY
    if len(encoded) <= MOST_CHARACTERS:
        return encoded
    digest = hashlib.sha256(encoded.encode()).hexdigest()
    return f"{encoded[: MOST_CHARACTERS - len(digest) - 1]}%{digest}"
