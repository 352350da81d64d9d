"""Any SMTP server or hosted relay that only takes mail: host, port, user, password, TLS."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from smtpadmin.connectors.api import FieldType, SettingField
from smtpadmin.model.profile import Profile
from smtpadmin.model.smtp import SubmissionEndpoint
from smtpadmin.model.stats import ProbeResult

DEFAULT_PORTS = {"none": 25, "starttls": 587, "implicit": 465}
_SOFTWARE = (
    ("gsmtp", "Google"),
    ("Microsoft ESMTP MAIL Service", "Microsoft Exchange"),
    ("SimpleEmailService", "Amazon SES"),
    ("Postfix", "Postfix"),
    ("Exim", "Exim"),
    ("Sendmail", "Sendmail"),
    ("OpenSMTPD", "OpenSMTPD"),
    ("Haraka", "Haraka"),
    ("KumoMTA", "KumoMTA"),
    ("Stalwart", "Stalwart"),
    ("hMailServer", "hMailServer"),
    ("MDaemon", "MDaemon"),
    ("MailEnable", "MailEnable"),
    ("smtpadmin", "smtpadmin"),
)
"""What a greeting says -> the software's name."""
_VERSION = r"[ /-]v?(\d+(?:\.\d+)+)"
_EXCHANGE_ONLY = ("XRDST", "X-ANONYMOUSTLS", "X-EXPS")
"""Extensions that only Exchange offers, whatever its greeting was changed to."""


class SmtpServer:
    """A server reached by SMTP alone."""

    id = "smtp"
    title = "Generic SMTP server"
    settings = (
        SettingField("host", "Host", required=True),
        SettingField(
            "port", "Port", FieldType.PORT, help="587 STARTTLS, 465 TLS, 25 between servers"
        ),
        SettingField("user", "User"),
        SettingField("password", "Password", secret=True, help="or API key"),
        SettingField(
            "tls",
            "Require TLS",
            FieldType.CHOICE,
            default="starttls",
            choices=("starttls", "implicit", "none"),
        ),
        SettingField(
            "auth",
            "Login method",
            FieldType.CHOICE,
            default="auto",
            choices=("auto", "PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"),
            help="for XOAUTH2 the password is an access token",
        ),
        SettingField(
            "ca_file", "CA file", FieldType.PATH, help="for servers with an own authority"
        ),
    )

    def __init__(self, profile: Profile, secrets: Mapping[str, str]) -> None:
        self._profile = profile
        self._password = secrets.get("password", "")

    async def probe(self) -> ProbeResult:
        """Connect, say EHLO, encrypt, log in when there is a user."""
        from smtpadmin.transport.smtp_endpoint import check_login

        (endpoint,) = self.submission_endpoints()
        found = await check_login(endpoint, self._password)
        banner = next((x.line for x in found.transcript if x.direction == "<"), "")
        extensions = sorted(
            f"{name} {more}".strip().upper() for name, more in found.extensions.items()
        )
        tls = found.tls
        facts = {"Greeting": banner, "Extensions": ", ".join(extensions)}
        if tls is not None:
            facts["TLS"] = f"{tls.version} {tls.cipher}"
            facts["Certificate"] = f"{tls.subject}, valid until {tls.not_after}"
            facts["Fingerprint"] = tls.fingerprint
        software, version = software_of(banner, extensions)
        return ProbeResult(
            software=software,
            version=version,
            path=f"SMTP {endpoint.host}:{endpoint.port}" + (" (TLS)" if tls else " (clear text)"),
            facts=facts,
        )

    async def close(self) -> None:
        """Nothing is kept open."""

    def submission_endpoints(self) -> tuple[SubmissionEndpoint, ...]:
        """The server itself."""
        profile = self._profile
        port = profile.port or DEFAULT_PORTS[profile.tls]
        auth = profile.settings.get("auth", "auto")
        return (
            SubmissionEndpoint(
                host=profile.host,
                port=port,
                tls=profile.tls,
                user=profile.user,
                mechanisms=() if auth == "auto" else (auth,),
                fingerprint=profile.trust.get(f"tls:{profile.host}:{port}", ""),
                ca_file=profile.settings.get("ca_file", ""),
            ),
        )

    def submission_password(self) -> str:
        """The password."""
        return self._password


def software_of(greeting: str, extensions: Sequence[str]) -> tuple[str, str]:
    """The software that greeting and extensions give away, and its version where the greeting
    names it; ``SMTP server`` when they keep it to themselves."""
    words = greeting.casefold()
    for mark, name in _SOFTWARE:
        if mark.casefold() in words:
            version = re.search(re.escape(mark) + _VERSION, greeting, re.I)
            return name, version[1] if version else ""
    if any(line.startswith(_EXCHANGE_ONLY) for line in extensions):
        return "Microsoft Exchange", ""
    return "SMTP server", ""
