"""Headers that campaigns, tracking and lists use, by name, to be put into a test message.

RFC 2369 and RFC 8058 (List-Unsubscribe, one-click), RFC 3834 (Auto-Submitted), RFC 8689
(TLS-Required), and the relays' own as their manuals name them.
"""

from __future__ import annotations

from collections.abc import Mapping

Headers = tuple[tuple[str, str], ...]

PRESETS: Mapping[str, Headers] = {
    "unsubscribe": (
        ("List-Unsubscribe", "<https://%SERVER%/unsubscribe?to=%TO_ADDRESS%>, <mailto:%FROM_ADDRESS%?subject=unsubscribe>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ),
    "list": (("List-Id", "smtpadmin test <test.smtpadmin.invalid>"), ("Precedence", "list")),
    "bulk": (("Precedence", "bulk"), ("Auto-Submitted", "auto-generated")),
    "campaign": (("X-Campaign", "smtpadmin-test"), ("Feedback-ID", "%N%:smtpadmin-test:test:smtpadmin")),
    "no-auto-reply": (("X-Auto-Response-Suppress", "All"), ("Auto-Submitted", "auto-generated")),
    "receipt": (
        ("Disposition-Notification-To", "%FROM_ADDRESS%"),
        ("Return-Receipt-To", "%FROM_ADDRESS%"),
    ),
    "urgent": (("X-Priority", "1"), ("Importance", "high")),
    "tls-optional": (("TLS-Required", "No"),),
    "mailgun": (("X-Mailgun-Tag", "smtpadmin-test"), ("X-Mailgun-Track", "yes"), ("X-Mailgun-Drop-Message", "yes")),
    "sendgrid": (("X-SMTPAPI", '{"category": ["smtpadmin-test"]}'),),
    "postmark": (("X-PM-Tag", "smtpadmin-test"), ("X-PM-TrackOpens", "true")),
    "mailjet": (("X-Mailjet-Campaign", "smtpadmin-test"), ("X-MJ-CustomID", "%N%")),
    "mandrill": (("X-MC-Tags", "smtpadmin-test"), ("X-MC-Track", "opens,clicks")),
    "ses": (("X-SES-MESSAGE-TAGS", "campaign=smtpadmin-test"),),
}  # fmt: skip
"""Name to headers; tokens are filled in."""
