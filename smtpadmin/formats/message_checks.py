"""Looks at a whole message as it came and says what other servers and mailboxes may not like. Pure.

RFC 5321 (octets, lines), 5322 (fields), 2045 (MIME), 2369 and 8058 (unsubscribing). What only the DNS
can tell (SPF, DKIM, DMARC) is not asked here. Any octets are survived.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime

from smtpadmin.formats.html_links import misleading_links
from smtpadmin.formats.message_header import MOST_HEADER_OCTETS
from smtpadmin.formats.message_parts import TakenApart, take_apart
from smtpadmin.model.message_check import MessageCheck, MessageVerdict
from smtpadmin.util.text import visible

MOST_HTML = 256 * 1024
MOST_LINE = 998
"""Octets of a line without its CRLF, RFC 5322 section 2.1.1."""
BIG = 10 * 1024 * 1024
VERY_BIG = 25 * 1024 * 1024
ONCE = ("date", "from", "sender", "reply-to", "to", "cc", "bcc", "message-id", "in-reply-to",
        "references", "subject")  # fmt: skip
"""Fields that occur once at most, RFC 5322 section 3.6."""
BULK = ("list-id", "list-post", "list-help", "feedback-id", "x-campaign", "x-campaign-id")
_MESSAGE_ID = re.compile(r"<[^<>\s@]{1,500}@[^<>\s@]{1,500}>")
_URI = re.compile(r"<\s{0,20}([A-Za-z][A-Za-z0-9+.-]{0,20}:[^<>\s]{1,2000})\s{0,20}>")
_BARE_LF = re.compile(rb"(?<!\r)\n")
_BARE_CR = re.compile(rb"\r(?!\n)")


def check_message(
    raw: bytes, *, mail_options: Sequence[str] = (), smtputf8: bool = False
) -> tuple[MessageCheck, ...]:
    """Every check, in a fixed order. ``mail_options`` are the parameters of MAIL, ``smtputf8`` whether
    that was among them. Takes about 0.1 s for each megabyte: run it in a thread."""
    mail = take_apart(raw, tuple(mail_options), smtputf8)
    return tuple(check(mail) for check in _CHECKS)


# The checks.


def _check_octets(mail: TakenApart) -> MessageCheck:
    nul = mail.raw.count(b"\0")
    if nul:
        return _fail("octets", f"{nul} NUL octets", "", "RFC 5322 section 4 forbids them.")
    return _pass("octets", "no NUL octets")


def _check_line_ends(mail: TakenApart) -> MessageCheck:
    lf, cr = len(_BARE_LF.findall(mail.raw)), len(_BARE_CR.findall(mail.raw))
    if lf or cr:
        return _fail(
            "line-ends",
            f"{lf} bare LF and {cr} bare CR",
            "",
            "Send CRLF alone: servers refuse others since SMTP smuggling (RFC 5321 section 2.3.8).",
        )
    return _pass("line-ends", "every line ends with CRLF")


def _check_line_length(mail: TakenApart) -> MessageCheck:
    longest = max((len(line.rstrip(b"\r")) for line in mail.raw.split(b"\n")), default=0)
    if longest > MOST_LINE:
        return _fail(
            "line-length",
            f"the longest line has {longest} octets",
            "",
            "At most 998 are allowed; encode the part as quoted-printable or Base64.",
        )
    return _pass("line-length", f"the longest line has {longest} octets")


def _check_size(mail: TakenApart) -> MessageCheck:
    size = len(mail.raw)
    words = f"{size} octets"
    if size > VERY_BIG:
        return _warn("size", words, "", "Most servers refuse more than 25 MiB.")
    if size > BIG:
        return _warn("size", words, "", "Many servers refuse more than 10 MiB.")
    return MessageCheck("size", MessageVerdict.INFO, words)


def _check_header(mail: TakenApart) -> MessageCheck:
    if len(mail.head) > MOST_HEADER_OCTETS:
        return _fail("header", f"the header has {len(mail.head)} octets", "", "Send fewer fields.")
    if not mail.fields:
        return _fail("header", "there is no header", "", "A message begins with its fields.")
    if mail.not_fields:
        shown = visible(mail.not_fields[0][:200].decode("utf-8", "backslashreplace"), 80)
        return _fail(
            "header",
            f"{len(mail.not_fields)} lines of the header are no fields",
            shown,
            "A field is Name: value; servers may end the header there.",
        )
    twice = [name for name in ONCE if len(mail.values(name)) > 1]
    if twice:
        return _fail("header", f"more than once: {', '.join(twice)}", "", "Each may occur once.")
    return _pass("header", f"{sum(map(len, mail.fields.values()))} fields")


def _check_date(mail: TakenApart) -> MessageCheck:
    values = mail.values("date")
    if not values:
        return _fail("date", "there is no Date", "", "RFC 5322 section 3.6 requires it.")
    try:
        parsedate_to_datetime(values[0][:200])
    except (ValueError, TypeError, OverflowError, IndexError):
        return _fail("date", "the Date is no date", _shown(values[0]), "RFC 5322 section 3.3.")
    return _pass("date", _shown(values[0]))


def _check_from(mail: TakenApart) -> MessageCheck:
    values = mail.values("from")
    if len(values) != 1:
        count = "no From" if not values else f"{len(values)} From fields"
        return _fail("from", f"there is {count}" if not values else f"there are {count}",
                     "; ".join(map(_shown, values[:3])),
                     "One From is required; DMARC fails without exactly one.")  # fmt: skip
    addresses = [address for _, address in getaddresses([values[0][:20_000]]) if address]
    if not addresses or not all("@" in address for address in addresses):
        return _fail("from", "From holds no address", _shown(values[0]), "Name <local@domain>.")
    if len(addresses) > 1:
        return _warn("from", f"From names {len(addresses)} addresses", _shown(values[0]),
                     "Many receivers refuse that (RFC 9989 looks at one domain).")  # fmt: skip
    return _pass("from", _shown(addresses[0]))


def _check_message_id(mail: TakenApart) -> MessageCheck:
    values = mail.values("message-id")
    if not values:
        return _warn("message-id", "there is no Message-ID", "",
                     "Give one of your own: it is how a message is traced.")  # fmt: skip
    if not _MESSAGE_ID.fullmatch(values[0]):
        return _warn("message-id", "the Message-ID is malformed", _shown(values[0]),
                     "<unique@your.domain> (RFC 5322 section 3.6.4).")  # fmt: skip
    return _pass("message-id", _shown(values[0]))


def _check_subject(mail: TakenApart) -> MessageCheck:
    if not any(value for value in mail.values("subject")):
        return _warn("subject", "there is no subject", "", "Filters count that as a sign of spam.")
    return _pass("subject", "there is a subject")


def _check_eight_bit(mail: TakenApart) -> MessageCheck:
    if not mail.head.isascii() and not mail.smtputf8:
        return _fail("eight-bit", "octets beyond ASCII in the header without SMTPUTF8", "",
                     "Use encoded words (RFC 2047).")  # fmt: skip
    if mail.body.isascii():
        return _pass("eight-bit", "the body is ASCII")
    asked = any(
        option.upper() in ("BODY=8BITMIME", "BODY=BINARYMIME") for option in mail.mail_options
    )
    encodings = {
        str(part.get("content-transfer-encoding", "")).strip().lower() for part in mail.parts
    }
    declared = bool(encodings & {"8bit", "binary"})
    if not asked:
        return _fail("eight-bit", "octets beyond ASCII in the body, and MAIL did not say so", "",
                     "Ask for BODY=8BITMIME, or encode the part.")  # fmt: skip
    if not declared and not mail.untested:
        return _fail("eight-bit", "octets beyond ASCII in a part that does not say so", "",
                     "Content-Transfer-Encoding: 8bit (RFC 2045 section 6).")  # fmt: skip
    return _pass("eight-bit", "eight bits, declared")


def _check_mime(mail: TakenApart) -> MessageCheck:
    if mail.defects:
        return _fail("mime", f"broken MIME: {mail.defects[0]}", ", ".join(mail.defects[:20]),
                     "Programs will show different things.")  # fmt: skip
    if mail.untested:
        return MessageCheck("mime", MessageVerdict.UNTESTED, mail.untested)
    has_type = bool(mail.values("content-type"))
    if has_type and not mail.values("mime-version"):
        return _warn("mime", "Content-Type without MIME-Version", "", "Add MIME-Version: 1.0.")
    return _pass("mime", f"{len(mail.parts)} parts" if len(mail.parts) > 1 else "one part")


def _check_text(mail: TakenApart) -> MessageCheck:
    if mail.untested:
        return MessageCheck("text", MessageVerdict.UNTESTED, mail.untested)
    types = [part.get_content_type() for part in mail.parts if _is_shown(part)]
    if "text/html" in types and "text/plain" not in types:
        return _warn("text", "HTML without a text part", "",
                     "Add a text/plain alternative: some people and all filters read it.")  # fmt: skip
    if not any(name.startswith("text/") for name in types):
        return MessageCheck("text", MessageVerdict.INFO, "no text to read")
    return _pass("text", "there is a text part")


def _check_links(mail: TakenApart) -> MessageCheck:
    found = [pair for html in _html_texts(mail) for pair in misleading_links(html)]
    if found:
        text, target = found[0]
        return _warn("links", f"{len(found)} links show another host than they lead to",
                     f"{_shown(text)} leads to {_shown(target)}",
                     "Filters take that for phishing.")  # fmt: skip
    return _pass("links", "no link shows another host than it leads to")


def _check_unsubscribe(mail: TakenApart) -> MessageCheck:
    values = mail.values("list-unsubscribe")
    if not values:
        is_bulk = any(mail.values(name) for name in BULK) or any(
            value.lower() in ("bulk", "list") for value in mail.values("precedence")
        )
        if is_bulk:
            return _warn("unsubscribe", "bulk mail without List-Unsubscribe", "",
                         "Large mailbox providers require it (RFC 2369, RFC 8058).")  # fmt: skip
        return MessageCheck("unsubscribe", MessageVerdict.INFO, "no List-Unsubscribe")
    uris = _URI.findall(values[0][:20_000])
    if len(values) > 1 or not any(u.lower().startswith(("https:", "mailto:")) for u in uris):
        return _fail("unsubscribe", "List-Unsubscribe names nothing usable", _shown(values[0]),
                     "One field with <https://…> or <mailto:…>.")  # fmt: skip
    return _one_click(mail, [uri.lower() for uri in uris])


def _one_click(mail: TakenApart, uris: Sequence[str]) -> MessageCheck:
    """RFC 8058 sections 3 and 4."""
    posts = mail.values("list-unsubscribe-post")
    if not posts:
        return _warn("unsubscribe", "List-Unsubscribe without one-click", "",
                     "Add List-Unsubscribe-Post: List-Unsubscribe=One-Click.")  # fmt: skip
    if [post.replace(" ", "").lower() for post in posts] != ["list-unsubscribe=one-click"]:
        return _fail("unsubscribe", "List-Unsubscribe-Post is malformed", _shown(posts[0]),
                     "Its one value is List-Unsubscribe=One-Click.")  # fmt: skip
    if not any(uri.startswith("https:") for uri in uris):
        return _fail("unsubscribe", "one-click needs an https address", "", "Add <https://…>.")
    if not any(_signs(value) for value in mail.values("dkim-signature")):
        return _warn("unsubscribe", "one-click, but no DKIM signature covers both fields", "",
                     "RFC 8058 section 4 wants them in h=.")  # fmt: skip
    return _pass("unsubscribe", "one-click, signed")


def _signs(signature: str) -> bool:
    found = re.search(r"(?:^|;)\s*h\s*=([^;]*)", signature[:20_000])
    names = {name.strip().lower() for name in found[1].split(":")} if found else set()
    return {"list-unsubscribe", "list-unsubscribe-post"} <= names


def _check_authentication(mail: TakenApart) -> MessageCheck:
    values = mail.values("authentication-results")
    signed = len(mail.values("dkim-signature"))
    words = f"{signed} DKIM signatures" if signed != 1 else "one DKIM signature"
    if values:
        return MessageCheck("authentication", MessageVerdict.INFO,
                            f"Authentication-Results is there; {words}",
                            "; ".join(map(_shown, values[:3])))  # fmt: skip
    return MessageCheck(
        "authentication", MessageVerdict.INFO, f"no Authentication-Results; {words}"
    )


_CHECKS: tuple[Callable[[TakenApart], MessageCheck], ...] = (
    _check_header,
    _check_from,
    _check_date,
    _check_message_id,
    _check_subject,
    _check_octets,
    _check_line_ends,
    _check_line_length,
    _check_eight_bit,
    _check_mime,
    _check_text,
    _check_links,
    _check_unsubscribe,
    _check_authentication,
    _check_size,
)


def _is_shown(part: Message) -> bool:
    return not part.is_multipart() and part.get_content_disposition() != "attachment"


def _html_texts(mail: TakenApart) -> Iterator[str]:
    for part in mail.parts:
        if _is_shown(part) and part.get_content_type() == "text/html":
            octets = part.get_payload(decode=True)
            if isinstance(octets, bytes):
                yield octets[:MOST_HTML].decode("utf-8", "replace")


def _shown(text: str) -> str:
    return visible(text, 200)


def _pass(name: str, summary: str) -> MessageCheck:
    return MessageCheck(name, MessageVerdict.PASS, summary)


def _warn(name: str, summary: str, detail: str, fix: str) -> MessageCheck:
    return MessageCheck(name, MessageVerdict.WARN, summary, detail, fix)


def _fail(name: str, summary: str, detail: str, fix: str) -> MessageCheck:
    return MessageCheck(name, MessageVerdict.FAIL, summary, detail, fix)
