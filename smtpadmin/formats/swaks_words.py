"""swaks' words and ours, for what both can say: one table, read by the writer and by the parser.

swaks(1), version 20201014.0 and the names that later ones added.
"""

from __future__ import annotations

from collections.abc import Mapping

from smtpadmin.model.smtp_plan import Dialect, StopPoint, TlsUse

FLAGS: Mapping[str, str] = {
    "pipelining": "--pipeline",
    "prdr": "--prdr",
    "raw": "--no-data-fixup",
    "before_tls": "--xclient-before-starttls",
    "unadvertised_xclient": "--xclient-no-verify",
    "optional_xclient": "--xclient-optional",
}
STOPS: Mapping[StopPoint, str] = {
    StopPoint.PROXY: "PROXY",
    StopPoint.BANNER: "BANNER",
    StopPoint.FIRST_EHLO: "FIRST-EHLO",
    StopPoint.TLS: "TLS",
    StopPoint.XCLIENT: "XCLIENT",
    StopPoint.EHLO: "EHLO",
    StopPoint.AUTH: "AUTH",
    StopPoint.MAIL: "MAIL",
    StopPoint.RCPT: "RCPT",
    StopPoint.DATA: "DATA",
    StopPoint.DOT: "DOT",
}
STOP_ALIASES: Mapping[str, StopPoint] = {
    "CONNECT": StopPoint.BANNER,
    "FIRST-HELO": StopPoint.FIRST_EHLO,
    "HELO": StopPoint.EHLO,
    "LHLO": StopPoint.EHLO,
    "FIRST-LHLO": StopPoint.FIRST_EHLO,
    "XCLIENT-HELO": StopPoint.EHLO,
    "XCLIENT-EHLO": StopPoint.EHLO,
    "FROM": StopPoint.MAIL,
    "TO": StopPoint.RCPT,
}
TLS: Mapping[TlsUse, str] = {
    TlsUse.STARTTLS: "--tls",
    TlsUse.OPTIONAL: "--tls-optional",
    TlsUse.IMPLICIT: "--tls-on-connect",
}
DIALECTS: Mapping[Dialect, str] = {Dialect.SMTP: "SMTP", Dialect.LMTP: "LMTP"}
MECHANISMS = ("PLAIN", "LOGIN", "LOGIN-INITIAL", "CRAM-MD5", "CRAM-SHA1")
"""Those that swaks has, too."""
PROXY: Mapping[str, str] = {
    "family": "--proxy-family",
    "transport": "--proxy-protocol",
    "command": "--proxy-command",
    "source": "--proxy-source",
    "source_port": "--proxy-source-port",
    "destination": "--proxy-dest",
    "destination_port": "--proxy-dest-port",
}
PROXY_1_FAMILIES: Mapping[str, str] = {
    "AF_INET": "TCP4",
    "AF_INET6": "TCP6",
    "AF_UNSPEC": "UNKNOWN",
}
"""Version 1 of the header has words of its own, and neither protocol nor command."""
TLS_VALUES: Mapping[str, str] = {
    "ciphers": "--tls-cipher",
    "ca_file": "--tls-ca-path",
    "cert_file": "--tls-cert",
    "key_file": "--tls-key",
    "sni": "--tls-sni",
}
VERSIONS: Mapping[str, str] = {"1.0": "tlsv1", "1.1": "tlsv1_1", "1.2": "tlsv1_2", "1.3": "tlsv1_3"}
XCLIENT: Mapping[str, str] = {
    "--xclient-addr": "ADDR",
    "--xclient-name": "NAME",
    "--xclient-port": "PORT",
    "--xclient-proto": "PROTO",
    "--xclient-destaddr": "DESTADDR",
    "--xclient-destport": "DESTPORT",
    "--xclient-helo": "HELO",
    "--xclient-login": "LOGIN",
    "--xclient-reverse-name": "REVERSE_NAME",
}
"""swaks' option to the attribute of Postfix."""
