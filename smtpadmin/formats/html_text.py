"""The words of an HTML text, for reading in a terminal and for matching. Linear in time.

No browser: tags are dropped, scripts and styles too, blocks begin a line, entities are characters.

>>> html_to_text("<style>p{}</style><p>5 &lt; 6<br>ok</p>")
'5 < 6\\nok'
"""

from __future__ import annotations

import html
import re

MOST_CHARACTERS = 1_000_000
_HIDDEN = ("script", "style", "head", "title", "!--")
_BLOCK = re.compile(
    r"/?(?:p|div|br|tr|li|ul|ol|table|h[1-6]|blockquote|pre|hr|dt|dd|section|article)\b", re.I
)
_TOO_MANY_LINES = re.compile(r"\n[ \t]*\n[ \t\n]*")


def html_to_text(text: str) -> str:
    """The readable words, one line a block."""
    done: list[str] = []
    place = 0
    text = text[:MOST_CHARACTERS]
    lower = text.lower()
    missing: set[str] = set()
    while (tag := text.find("<", place)) >= 0:
        done.append(" ".join(text[place:tag].split("\n")))
        name = next((n for n in _HIDDEN if lower.startswith(n, tag + 1)), None)
        end = _end_of_hidden(lower, name, tag, missing) if name else -1
        if end < 0:
            end = text.find(">", tag)
            if end < 0:
                place = tag
                break
            if _BLOCK.match(text, tag + 1):
                done.append("\n")
            end += 1
        place = end
    done.append(text[place:])
    words = html.unescape("".join(done)).replace("\r", "").replace("\xa0", " ")
    lines = "\n".join(" ".join(line.split(" ")).strip() for line in words.split("\n"))
    return _TOO_MANY_LINES.sub("\n\n", lines).strip()


def _end_of_hidden(lower: str, name: str, tag: int, missing: set[str]) -> int:
    """Behind the end of a part that nobody reads; -1 without one. An end that is missing once is
    missing for the rest: it is not looked for again."""
    if name in missing:
        return -1
    if name == "!--":
        end = lower.find("-->", tag)
        if end < 0:
            missing.add(name)
        return end + 3 if end >= 0 else -1
    end = lower.find(f"</{name}", tag)
    close = lower.find(">", end) if end >= 0 else -1
    if close < 0:
        missing.add(name)
        return -1
    return close + 1
