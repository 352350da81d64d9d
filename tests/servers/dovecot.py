"""A real Dovecot on free loopback ports: IMAP, POP3 (plain, STARTTLS and TLS), LMTP, and
its logins for Postfix (``auth``). One account, more where a test wants them."""

from __future__ import annotations

import imaplib
import os
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from smtpadmin.model.mailbox import MailboxAccount, MailboxProtocol
from smtpadmin.model.profile import TlsMode
from tests.support.programs import missing

USER, PASSWORD = "anna@local.example", "pass word"
SIEVE_PLUGIN = Path("/usr/lib/dovecot/modules/lib90_sieve_plugin.so")
PORTS = ("imap", "imaps", "pop3", "pop3s", "lmtp", "auth")


@dataclass(frozen=True, slots=True)
class Dovecot:
    """A started server."""

    folder: Path
    ports: dict[str, int]
    ca_file: str
    password: str = PASSWORD

    def account(
        self,
        protocol: MailboxProtocol = MailboxProtocol.IMAP,
        tls: TlsMode = TlsMode.IMPLICIT,
        **more: str,
    ) -> MailboxAccount:
        name = protocol.value + ("s" if tls is TlsMode.IMPLICIT else "")
        values = {"user": USER, "password": self.password, "ca_file": self.ca_file} | more
        return MailboxAccount(protocol, "localhost", self.ports[name], tls, **values)

    def deliver(self, raw: bytes, recipient: str = USER) -> None:
        """As a mail server does, by LMTP (RFC 2033)."""
        with smtplib.LMTP("127.0.0.1", self.ports["lmtp"]) as client:
            client.sendmail("sender@other.example", [recipient], raw)

    def put(self, raw: bytes, mailbox: str) -> None:
        """Into another folder, as a filter does."""
        config = str(self.folder / "dovecot.conf")
        subprocess.run(
            ["doveadm", "-c", config, "save", "-u", USER, "-m", mailbox], input=raw, check=True
        )


@contextmanager
def running_dovecot(
    *,
    others: Sequence[str] = (),
    password: str = PASSWORD,
    sieve: str = "",
    settings: str = "",
) -> Iterator[Dovecot]:
    """``others`` are accounts beside USER; ``sieve`` is a script that files what LMTP brings;
    ``settings`` are lines for the end of the configuration. The
    server lies in a folder of its own, which its users can reach: pytest closes its folders to others
    again whenever another run starts. Skips where Dovecot is missing or we are not root (its
    processes change their user)."""
    program = shutil.which("dovecot", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("not installed: dovecot")
        pytest.skip("not installed: dovecot")
    version = subprocess.run(
        [program, "--version"], capture_output=True, text=True, check=True
    ).stdout
    if not version.startswith("2.3"):
        pytest.skip(f"the configuration here is Dovecot 2.3's, this is {version.split()[0]}")
    if os.geteuid() != 0:
        pytest.skip("Dovecot's processes change their user, which needs root")
    if sieve and not SIEVE_PLUGIN.exists():
        missing("Dovecot's sieve is not installed (packaging/system/tests.txt)")
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="smtpadmin-dovecot-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        server = _configured(folder, (USER, *others), password, sieve, settings)
        command = [program, "-F", "-c", str(folder / "dovecot.conf")]
        process = stack.enter_context(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        stack.callback(process.terminate)
        _wait(server, process)
        yield server


def _configured(
    folder: Path, users: Sequence[str], password: str, sieve: str, settings: str
) -> Dovecot:
    folder.chmod(0o755)
    ca = trustme.CA()
    certificate = ca.issue_cert("localhost", "127.0.0.1")
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    (folder / "users").write_text("".join(f"{user}:{{PLAIN}}{password}\n" for user in users))
    ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
    mail = folder / "mail"
    mail.mkdir()
    shutil.chown(mail, "mail", "mail")
    text = CONFIG.format(folder=folder, **ports)
    if sieve:
        (folder / "default.sieve").write_text(sieve)
        shutil.chown(folder, "mail", "mail")  # it is compiled beside the script
        text += SIEVE.format(folder=folder)
    (folder / "dovecot.conf").write_text(text + settings)
    return Dovecot(folder, ports, str(folder / "ca.pem"), password)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _wait(server: Dovecot, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        try:
            for port in server.ports.values():
                socket.create_connection(("127.0.0.1", port), 1).close()
            with imaplib.IMAP4("127.0.0.1", server.ports["imap"], 5) as client:
                client.login(USER, server.password)
                client.select()
            return
        except (OSError, imaplib.IMAP4.error):
            time.sleep(0.02)
    log = server.folder / "dovecot.log"
    raise AssertionError(f"dovecot does not start: {log.read_text() if log.exists() else 'no log'}")


CONFIG = """
base_dir = {folder}/run
state_dir = {folder}/state
instance_name = smtpadmin-test
protocols = imap pop3 lmtp
listen = 127.0.0.1
log_path = {folder}/dovecot.log
mail_location = maildir:{folder}/mail/%u
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
first_valid_gid = 1
ssl = yes
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.pem
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Junk {{
    auto = create
    special_use = \\Junk
  }}
  mailbox "Ünï code" {{
    auto = create
  }}
}}
passdb {{
  driver = passwd-file
  args = username_format=%u {folder}/users
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}/mail/%u
}}
service anvil {{
  unix_listener anvil {{
    mode = 0600
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
service auth {{
  inet_listener {{
    port = {auth}
  }}
}}
"""
SIEVE = """
protocol lmtp {{
  mail_plugins = sieve
}}
plugin {{
  sieve_before = {folder}/default.sieve
}}
"""
