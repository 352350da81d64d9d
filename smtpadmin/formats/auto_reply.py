"""Automatic answers (RFC 3834): away messages, receipts (RFC 8098) and challenges.

They look like bounces, and some bounces call themselves ``auto-replied``: ask for a bounce first.
"""

from __future__ import annotations

import re

from smtpadmin.formats.mime_parts import walk
from smtpadmin.model.message_view import MessageView

_AWAY = re.compile(
    r"out of (the )?office|away (until|from)|on (vacation|holiday|leave)|currently (away|out)|auto(matic)?[ -]?(reply|response|answer)"
    r"|abwesen|automatische antwort|im urlaub|absence|réponse automatique|fuera de la oficina|respuesta automática"
    r"|risposta automatica|automatisch antwoord|afwezig|автоответ|自動返信|不在",
    re.I,
)  # fmt: skip
_CHALLENGE = re.compile(
    r"(confirm|verify|prove)[^.\n]{0,80}(you are|your (message|address|e-?mail)|human|sender)"
    r"|(click|follow|reply to)[^.\n]{0,80}(to deliver|to release|be delivered|to be added|whitelist)",
    re.I,
)
_AUTOMATIC_FIELDS = ("x-autoreply", "x-autorespond", "x-auto-response-from", "x-autoresponder")
MOST_LOOKED_AT = 5_000


def automatic_answer(found: MessageView) -> str:
    """``vacation``, ``receipt``, ``challenge``, ``other`` or, when a person wrote it, ``""``."""
    if any(p.content_type == "message/disposition-notification" for p in walk(found.root)):
        return "receipt"
    names = {header.name.lower() for header in found.headers}
    sent = found.first("Auto-Submitted").partition(";")[0].strip().lower()
    bulk = found.first("Precedence").strip().lower() in ("auto_reply", "auto-reply")
    subject = found.first("Subject")[:500]
    declared = (
        sent not in ("", "no")
        or bulk
        or bool(names.intersection(_AUTOMATIC_FIELDS))
        or found.first("X-Auto-Response-Suppress") != ""
    )
    if _AWAY.search(subject) and (declared or _AWAY.search(found.body[:MOST_LOOKED_AT])):
        return "vacation"
    if not declared:
        return ""
    if _CHALLENGE.search(f"{subject}\n{found.body[:MOST_LOOKED_AT]}"):
        return "challenge"
    answered = sent == "auto-replied" or bulk or bool(names.intersection(_AUTOMATIC_FIELDS))
    return "vacation" if answered else "other"
