"""What a whole message reports: a delivery status (RFC 3464), a bounce in words, a complaint (RFC 5965),
an automatic answer, or nothing of the kind. Never raises, linear in time.
"""

from __future__ import annotations

import email
import logging
import re
from dataclasses import replace

from smtpadmin.formats.auto_reply import automatic_answer
from smtpadmin.formats.bounce_text import own_words, read_bounce_text, reply_in
from smtpadmin.formats.dsn_parts import read_delivery_status
from smtpadmin.formats.feedback_report import read_feedback
from smtpadmin.formats.header_fields import split_header
from smtpadmin.formats.mail_address import addresses_in
from smtpadmin.formats.message_view import view_message
from smtpadmin.formats.mime_parts import parse_message, part_octets, part_text, walk
from smtpadmin.model.bounce import DeliveryReport, ReportedRecipient
from smtpadmin.model.message_view import MessageView, Part

MOST_OCTETS = 5 * 1024 * 1024
MOST_TEXT = 200_000
MOST_FOR_FLUFL = 64 * 1024
MOST_WORDS = 4_000
MOST_ID = 990
MOST_ENCLOSED, MOST_DEPTH = 20, 4
"""Messages inside a message that are read as reports, and how deep they may lie."""
# It logs every detector of its own that fails, and goes on.
logging.getLogger("flufl.bounce").disabled = True
NOT_A_BOUNCE = DeliveryReport("not-a-bounce")

_SERVER = re.compile(
    r"mailer[-_. ]?daemon|post[-_ ]?master|mail[. ]?deliver|mail (administrator|system)|system administrator|maildaemon"
    r"|ndr administrator|delivery (subsystem|system)|bounce|smtp[-_]|_smtp|mdaemon|anti-?virus|mail-?(server|gateway)|mailsweeper|mail service",
    re.I,
)  # fmt: skip
_SUBJECT = re.compile(
    r"undeliver|returned mail|return(ed)? to sender|returning message|deliver\w* (status|failure|report|notification|has failed|problem|error)"
    r"|failure notice|mail delivery|could not be delivered|delivery failed|message you sent blocked|mail system error"
    r"|error sending your mail|failed mail|mail failed|returning to sender|processing error|error during delivery|nameserver error|user unknown|"
    r"message delivery|postmaster notify|mail (failure|error)|not member|rejected|warning: (could|message)"
    r"|unzustellbar|nicht zu(ge)?stell|zustellung|non remis|non[- ]?distribu|non[- ]?livr|échec|no (se )?(ha podido|pudo) entreg|no entregado"
    r"|mancata consegna|impossibile|não (foi )?entreg|onbestelbaar|niet (kunnen )?worden (af|be)|kunde inte levereras|nie dostarczono|niedostarcz"
    r"|не доставлен|недоставлен|не удалось|退信|投递失败|無法(传|傳|投|寄)|无法|配信(不能|でき|エラー)|メールエラー|送信できません|エラー通知|반송",
    re.I,
)  # fmt: skip
_TEXT = re.compile(
    r"(could|can) ?not be (delivered|sent)|was not delivered|not (been )?delivered|unable to deliver|wasn't able to deliver|delivery to the following"
    r"|permanent (fatal )?error|did not reach the following|created automatically by mail delivery|this is the mail system|delivery failed"
    r"|trouble delivering|undeliverable|following recipients? |was rejected|addresses had |returned (to you|below)|user unknown|unknown user"
    r"|not delivered to|returned because|no valid recipients|no such user|failed (recipients|addresses)|unknown host|无法|無法|退回|投递"
    r"|not a member of this mailing list|error message below|rejected by|delivery (has )?failed|failed (permanently|recipient)"
    r"|nicht (zu(ge)?stellt|erreich)|konnte nicht|n'a pas pu (être|etre)|no (se )?(ha podido|pudo) (ser )?entreg|non è stato possibile"
    r"|não pôde ser entregue|kon niet worden|не может быть доставлено|не удалось доставить|送信できません|配信できません|届けることができません|存在しない",
    re.I,
)  # fmt: skip
_MACHINE = re.compile(
    r"this is the mail system at host|created automatically by mail delivery software|this is the \S+ program at|delivery to the following recipients?"
    r"( failed|: )|failed (recipients|addresses)|could not be delivered to|n'a pas pu (etre|être) (delivre|délivré|livré|remis)|konnte nicht zugestellt werden"
    r"|the following addresses had (permanent|delivery)|transcript of session follows",
    re.I,
)  # fmt: skip
_ADMIN = re.compile(
    r"(-(admin|owner|request|errors?|bounces?)|no-?reply|daemon|administrator|sysadmin)\b", re.I
)
_BOUNCE_ADDRESS = re.compile(r"-(bounces?|admin|owner|errors)\b|\bbounces?[-+]|\bowner-", re.I)
"""Who gets a bounce: the address that lists and campaigns send from."""
_VAGUE = re.compile(r"[245]\.0\.0$")


def read_report(raw: bytes) -> DeliveryReport:
    """What a message reports. A report that is attached to a message counts as that message."""
    raw = raw[:MOST_OCTETS]
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    report = _read(raw)
    if report.kind not in ("not-a-bounce", "bounce") or any(r.status for r in report.recipients):
        return report
    inside = _attached(raw)
    return inside if inside.kind == "dsn" or report.kind == "not-a-bounce" else report


def _read(raw: bytes) -> DeliveryReport:
    found = view_message(raw)
    parts = list(walk(found.root))
    words = _words(raw, found)
    message_id = _original_id(raw, parts, found)
    status = [
        p
        for p in parts
        if p.content_type.startswith("message/") and "delivery-status" in p.content_type
    ]
    status = [p for p in status if not _is_inside_copy(p, parts)]
    for part in status:
        recipients = read_delivery_status(part_text(raw, part, MOST_TEXT))
        if recipients:
            recipients = tuple(_completed(each, words, len(recipients)) for each in recipients)
            return DeliveryReport("dsn", recipients, message_id, words)
    if any(p.content_type == "message/feedback-report" for p in parts):
        return DeliveryReport("feedback", _complained(raw, parts), message_id, words)
    if not status and not _is_bounce(found, words):
        automatic = automatic_answer(found)
        return (
            DeliveryReport("auto-reply", (), message_id, words, automatic)
            if automatic
            else NOT_A_BOUNCE
        )
    recipients = _in_words(raw, found, parts, words)
    return DeliveryReport(
        "dsn" if status and recipients else "bounce", recipients, message_id, words
    )


def _is_inside_copy(part: Part, parts: list[Part]) -> bool:
    """Whether a part belongs to a message that the report encloses: the copy may be a bounce too."""
    around = (p for p in parts if p.content_type == "message/rfc822" and p.number)
    return any(part.number.startswith(f"{copy.number}.") for copy in around)


def _attached(raw: bytes) -> DeliveryReport:
    """The first message inside that is a report, also where it was encoded against the rules."""
    enclosed = [
        part
        for part in walk(parse_message(raw))
        if part.content_type == "message/rfc822" and part.number.count(".") < MOST_DEPTH
    ]
    for part in enclosed[:MOST_ENCLOSED]:
        if part.number:
            report = _read(part_octets(raw, part))
            if report.kind in ("dsn", "bounce", "feedback"):
                return report
    return NOT_A_BOUNCE


def _words(raw: bytes, found: MessageView) -> str:
    texts = own_words(found.body)
    if texts.strip():
        return texts
    inside = (p for p in walk(found.root) if p.content_type.startswith("text/"))
    return next((w for p in inside if (w := own_words(part_text(raw, p, MOST_TEXT))).strip()), "")


def _completed(recipient: ReportedRecipient, words: str, count: int) -> ReportedRecipient:
    """Where the fields give no reply, the words may: ``Status: 5.0.0`` alone says nothing."""
    if recipient.diagnostic or not (recipient.status is None or _VAGUE.match(recipient.status)):
        return recipient
    named = read_bounce_text(words, (recipient.address,), frozenset())
    text = next((r.diagnostic for r in named if recipient.address in words), "")
    text = text or (reply_in(words.split("\n")) if count == 1 else "")
    return replace(recipient, diagnostic=text)


def _complained(raw: bytes, parts: list[Part]) -> tuple[ReportedRecipient, ...]:
    part = next(p for p in parts if p.content_type == "message/feedback-report")
    named = read_feedback(part_text(raw, part, MOST_TEXT))
    return named or tuple(
        ReportedRecipient(address, "delivered", None, "feedback")
        for address in _original_recipients(raw, parts, "")[:1]
    )


def _is_bounce(found: MessageView, words: str) -> bool:
    """Where it comes from, what it is called, and what it says; one alone is not enough."""
    if found.first("X-Failed-Recipients"):
        return True
    root = found.root
    if root.content_type == "multipart/report" and "delivery" in root.parameters.get(
        "report-type", ""
    ):
        return True
    head = words[:MOST_WORDS]
    path = found.first("Return-Path").strip().lower()
    sender = f"{found.first('From')} {found.first('Sender')}"[:1_000]
    subject = bool(_SUBJECT.search(found.first("Subject")[:1_000]))
    text = bool(_TEXT.search(head))
    code = bool(reply_in(head.split("\n")))
    own = {a.lower() for a in addresses_in(f"{found.first('To')} {sender}")}
    names = any(
        a.lower() not in own
        for a in addresses_in(f"{found.first('Subject')} {found.body}"[:MOST_TEXT])
    )
    if "mailer-daemon" in sender.lower():
        return subject or text or names
    if _SERVER.search(sender) or path in ("<>", "<mailer-daemon>") or "mailer-daemon" in path:
        return (subject and (text or code or names)) or ((text or code) and names)
    if _ADMIN.search(sender):
        return subject and (text or code) and names
    automatic = found.first("Auto-Submitted").lower() not in ("", "no")
    if automatic or _BOUNCE_ADDRESS.search(found.first("To")[:1_000]):
        return subject and (text or code) and not found.first("In-Reply-To")
    return bool(_MACHINE.search(head)) and (code or subject)


def _in_words(
    raw: bytes, found: MessageView, parts: list[Part], words: str
) -> tuple[ReportedRecipient, ...]:  # fmt: skip
    """From the surest source to the weakest; the first that names anybody counts."""
    fields = read_delivery_status(words)
    if fields:
        return fields
    named = tuple(addresses_in(found.first("X-Failed-Recipients")))
    own = frozenset(a.lower() for a in addresses_in(f"{found.first('To')} {found.first('From')}"))
    told = read_bounce_text(words, named, own)
    if told:
        return told
    subject = found.first("Subject")
    weaker = (
        [a for a in addresses_in(subject) if a.lower() not in own]
        or _original_recipients(raw, parts, found.body)
        or _by_flufl(raw, parts)
        or [a for a in addresses_in(found.body[:MOST_TEXT]) if a.lower() not in own][:1]
    )
    named = tuple(weaker[:10])
    return read_bounce_text(words, named, own) if named else ()


def _original_recipients(raw: bytes, parts: list[Part], body: str) -> list[str]:
    """``To`` of the copy, which may stand in a part of its own or at the end of the text."""
    for part in parts:
        if part.number and part.headers and _inner(part, parts):
            to = next((h.value for h in part.headers if h.name.lower() == "to"), "")
            if addresses_in(to):
                return addresses_in(to)
        if part.content_type in ("text/rfc822-headers", "message/rfc822") and not part.parts:
            headers, _ = split_header(part_octets(raw, part))
            to = next((h.value for h in headers if h.name.lower() == "to"), "")
            if addresses_in(to):
                return addresses_in(to)
    copied = body[len(own_words(body)) :][:MOST_TEXT]
    line = re.search(r"^to:[^\n]{1,500}", copied, re.I | re.M)
    return addresses_in(line[0]) if line else []


def _inner(part: Part, parts: list[Part]) -> bool:
    parent = part.number.rpartition(".")[0]
    return any(p.number == parent and p.content_type == "message/rfc822" for p in parts)


def _by_flufl(raw: bytes, parts: list[Part]) -> list[str]:
    """flufl.bounce knows servers of the nineties. Only small, flat messages: it is not bounded."""
    if len(raw) > MOST_FOR_FLUFL or len(parts) > 30 or max(p.number.count(".") for p in parts) > 4:
        return []
    from flufl.bounce import scan_message

    # Octets beyond ASCII make header objects of the standard library that its detectors trip over.
    plain = raw.decode("ascii", "replace").replace("\ufffd", "?")
    try:
        found = scan_message(email.message_from_string(plain))
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError):
        return []  # the first of its detectors that trips ends the scan
    return sorted(a.decode("ascii", "replace") for a in found)


def _original_id(raw: bytes, parts: list[Part], found: MessageView) -> str | None:
    """The Message-ID of the message that is reported on."""
    for part in parts:
        if part.number and _inner(part, parts):
            headers = part.headers
        elif part.content_type in ("text/rfc822-headers", "message/rfc822") and not part.parts:
            headers = tuple(split_header(part_octets(raw, part))[0])
        else:
            continue
        for header in headers:
            if header.name.lower() == "message-id" and header.value.strip():
                one = _ID.search(header.value)
                return one[0] if one else header.value.split()[0][:MOST_ID]
    copied = _COPIED_ID.search(found.body[:MOST_TEXT])
    if copied is not None:
        return copied[1]
    answered = _ID.search(f"{found.first('In-Reply-To')} {found.first('References')}")
    return answered[0] if answered else None


_ID = re.compile(r"<[^<>\s]{1,990}>")
_COPIED_ID = re.compile(r"^[> ]{0,4}(?:original-)?message-id:\s*(<[^<>\s]{1,990}>)", re.I | re.M)
