"""Messages to people, out of text that others wrote: it is shown, and does nothing where it is shown.

File names and reasons come from senders. A chat turns `@everyone`, `<!channel>` or `[text](address)` into a mention or
a link, and a line break lets a name pretend to be our own words. So control characters are spelt out, and each
character that starts such a construct is replaced by one that looks like it. Commands never hold text of others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.observability.terminal import plain

REASON_MAX = 200
NAME_MAX = 120
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200d\u2060-\u2064\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)
"""Characters without a glyph, which can split a word that a reader or a filter would know (Unicode's
Default_Ignorable_Code_Point, the common ones)."""
_LOOKALIKES = str.maketrans(
    {
        "@": "\uff20",
        "<": "\u2039",
        ">": "\u203a",
        "[": "(",
        "]": ")",
        "`": "'",
        "*": "\u2217",
        "~": "\u223c",
        "|": "\u00a6",
        "#": "\uff03",
        "&": "\uff06",
        "\\": "\u2216",
    }
)
_LINKS = re.compile(r"://|\bwww\.", re.IGNORECASE)
_VALUE = re.compile(r",? got .*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Message:
    """One message to people: plain text, lines separated by `\\n`."""

    kind: str
    title: str
    body: str
    is_over: bool = False
    """It tells that something is over."""


def harmless(text: str, limit: int) -> str:
    """The text as one line of at most `limit` characters that no receiver takes for more than text."""
    shown = plain(_INVISIBLE.sub("", text[: 4 * limit])).translate(_LOOKALIKES)
    shown = _LINKS.sub(lambda found: ":\u2215\u2215" if found[0] == "://" else "www\u2024", shown)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def reason(text: str) -> str:
    """A failure's message without the refused value: what senders sent does not leave for a chat."""
    return harmless(_VALUE.sub("", text), REASON_MAX)


def counted(number: int, one: str) -> str:
    """As in `1 file`, `1,234 files`."""
    return f"{number:,} {one}" + ("" if number == 1 else "s")


def lasting(seconds: float) -> str:
    """A span for people: `40 s`, `12 min`, `3.5 h`."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
