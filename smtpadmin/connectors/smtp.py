"""Any SMTP server or hosted relay that only takes mail: host, port, user, password, TLS."""

from __future__ import annotations

from collections.abc import Mapping

from smtpadmin.connectors.api import FieldType, SettingField
from smtpadmin.model.profile import Profile
from smtpadmin.model.smtp import SubmissionEndpoint
from smtpadmin.model.stats import ProbeResult

DEFAULT_PORTS = {"none": 25, "starttls": 587, "implicit": 465}
_SOFTWARE = (
    "Postfix",
    "Exim",
    "Sendmail",
    "OpenSMTPD",
    "Haraka",
    "KumoMTA",
    "Stalwart",
    "smtpadmin",
)


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
            choices=("auto", "PLAIN", "LOGIN", "CRAM-MD5"),
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
        from smtpadmin.transport.smtp import check_login

        (endpoint,) = self.submission_endpoints()
        banner, capabilities, tls = await check_login(endpoint, self._password)
        facts = {"Banner": banner, "Extensions": ", ".join(capabilities.upper().split("\n"))}
        if tls is not None:
            facts["TLS"] = f"{tls.version} {tls.cipher}"
            facts["Certificate"] = f"{tls.subject}, valid until {tls.not_after}"
            facts["Fingerprint"] = tls.fingerprint
        return ProbeResult(
            software=software_in(banner),
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


def software_in(banner: str) -> str:
    """The software that a banner names, or ``SMTP server``."""
    words = banner.casefold()
    return next((name for name in _SOFTWARE if name.casefold() in words), "SMTP server")
