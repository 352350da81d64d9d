"""What a Postfix instance's settings say to an administrator, and what in them holds mail back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from smtpadmin.connectors._postfix_log import LogPlace
from smtpadmin.connectors.api import Advice
from smtpadmin.formats.postfix_config import PostfixInstance, seconds_of
from smtpadmin.util.text import visible

_SHORT_LIFETIME = 3_600


def facts_of(
    settings: Mapping[str, str],
    instances: Sequence[PostfixInstance],
    rights: str,
    place: LogPlace,
) -> dict[str, str]:
    """For the Overview, in the order of reading."""
    get = settings.get
    facts = {
        "Host name": get("myhostname", ""),
        "Instance": get("multi_instance_name", "") or "main",
        "Configuration": get("config_directory", ""),
        "Queue lifetime": get("maximal_queue_lifetime", ""),
        "Bounce lifetime": get("bounce_queue_lifetime", ""),
        "Retries after": f"{get('minimal_backoff_time', '?')} to {get('maximal_backoff_time', '?')}",
        "Largest message": f"{get('message_size_limit', '?')} octets",
        "Relay host": get("relayhost", "") or "none: by DNS",
        "TLS from clients": get("smtpd_tls_security_level", "") or "none",
        "TLS to next hops": get("smtp_tls_security_level", "") or "none",
        "Queue IDs": "long" if get("enable_long_queue_ids") == "yes" else "short",
        "Log": str(place) + ("" if place.readable else " (not readable for this account)"),
        "Account may": rights,
        "Instances": ", ".join(
            f"{one.name or 'main'}{'' if one.enabled else ' (disabled)'}" for one in instances
        ),
    }
    return {name: visible(value, 300) for name, value in facts.items() if value}


def advice_of(settings: Mapping[str, str], place: LogPlace, missing_rights: str) -> list[Advice]:
    """Warnings, worst first."""
    get = settings.get
    deferred = visible(get("defer_transports", ""), 200)
    lifetime = seconds_of(get("maximal_queue_lifetime", ""))
    short = lifetime is not None and lifetime < _SHORT_LIFETIME
    reload = ", then: postfix reload."
    rows = (
        (deferred, "fail", f"Mail for these transports is not delivered: {deferred}.",
         f"postconf -X defer_transports{reload}"),
        (get("soft_bounce") == "yes", "warn",
         "soft_bounce is on: what should bounce is tried again and again.",
         f"postconf soft_bounce=no{reload}"),
        (short, "warn", f"Mail that cannot be delivered is returned after {lifetime} s.",
         f"postconf maximal_queue_lifetime=5d{reload}"),
        (not get("smtp_tls_security_level"), "warn",
         "Mail to next hops is never encrypted (smtp_tls_security_level).",
         f"postconf smtp_tls_security_level=may{reload}"),
        (get("enable_long_queue_ids") != "yes", "warn",
         "Queue IDs are short and are used again within minutes.",
         f"postconf enable_long_queue_ids=yes{reload}"),
        (missing_rights, "warn", "This account may not do everything that smtpadmin offers.",
         missing_rights),
        (place.kind == "none", "warn", "The log was not found.",
         f"postconf maillog_file=/var/log/mail.log{reload}"),
    )  # fmt: skip
    return [Advice(severity, summary, fix) for wrong, severity, summary, fix in rows if wrong]
