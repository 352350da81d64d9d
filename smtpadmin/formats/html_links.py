"""Links of an HTML text that show one host and lead to another. Pure; never builds a document.

>>> misleading_links('<a href="https://evil.example/x">www.bank.example</a>')
[('www.bank.example', 'https://evil.example/x')]

Looks with bounded steps only: the standard library's parser takes quadratic time for hostile text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

MOST_LINKS = 1_000
MOST_TAG = 4_000
MOST_TEXT = 2_000
_HREF = re.compile(r"""[\s"']href\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.I)
_TAG = re.compile(r"<[^<>]*>")
_SHOWN_HOST = re.compile(r"(?:[a-z][a-z0-9+.-]{0,20}://)?((?:[a-z0-9-]{1,63}\.){1,20}[a-z]{2,63})(?:[:/?#].*)?", re.I | re.S)  # fmt: skip
_TARGET_HOST = re.compile(r"https?://(?:[^/?#@]*@)?([^/?#:@]+)", re.I)


def misleading_links(text: str) -> list[tuple[str, str]]:
    """What is shown and where it leads, for each link whose shown text is itself an address of
    another host. A subdomain of the shown host is the same host."""
    found = []
    for target, shown in links(text):
        aim, face = _TARGET_HOST.match(target), _SHOWN_HOST.fullmatch(shown)
        if aim and face and not _belongs(aim[1].lower(), face[1].lower()):
            found.append((shown, target))
    return found


def links(text: str) -> Iterator[tuple[str, str]]:
    """Target and shown text of the first thousand links, tags and entities taken out."""
    lower = text.lower() if text.isascii() else _ascii_lower(text)
    start = 0
    for _ in range(MOST_LINKS):
        start = lower.find("<a", start)
        if start < 0:
            return
        end = lower.find(">", start, start + MOST_TAG)
        href = _HREF.search(text, start, end) if end >= 0 and lower[start + 2].isspace() else None
        start += 2
        if href is None:
            continue
        close = lower.find("</a", end, end + MOST_TEXT)
        if close >= 0:
            shown = html.unescape(_TAG.sub("", text[end + 1 : close])).strip()
            yield html.unescape(href[1] or href[2] or href[3] or "").strip(), shown


def _ascii_lower(text: str) -> str:
    """Lower case that keeps each character's place (``İ`` would become two)."""
    return re.sub("[A-Z]+", lambda found: found[0].lower(), text)


def _belongs(host: str, shown: str) -> bool:
    host, shown = host.removeprefix("www."), shown.removeprefix("www.")
    return host == shown or host.endswith("." + shown)
