"""A Postfix with a Dovecot behind it whose Sieve script goes by the Subject; both write one log.

Every message is copied to an archive (always_bcc), ben's also to a second mailbox
(recipient_bcc_maps), and ``nobody`` has a .forward that keeps a copy.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from smtpadmin.tracking.dovecot_lines import session_of
from tests.servers.dovecot import USER, Dovecot, running_dovecot
from tests.servers.postfix import (
    MASTER_CF,
    PostfixInstance,
    free_ports,
    make_folders,
    named_in_system_file,
    need_postfix,
    start_sink,
)
from tests.servers.relay_lab import COMMON

BEN, COPY = "ben@local.example", "copy@local.example"
ARCHIVE, OUTSIDE, SENDER = "archive@good.test", "out@good.test", "s@good.test"
FORWARDER = "nobody@hub.local.example"
SCRIPT = """\
require ["fileinto", "envelope", "vacation", "reject", "copy"];
if header :is "Subject" "drop" { discard; }
elsif header :is "Subject" "file" { fileinto "Junk"; }
elsif header :is "Subject" "drop and file" { discard; fileinto "Junk"; }
elsif header :is "Subject" "redirect" { redirect "out@good.test"; }
elsif header :is "Subject" "redirect a copy" { redirect :copy "out@good.test"; }
elsif header :is "Subject" "answer" { vacation "I am away"; }
elsif header :is "Subject" "reject" { reject "no thanks"; }
elsif allof (header :is "Subject" "parted", envelope :is "to" "ben@local.example") { discard; }
"""
MAIN = """\
always_bcc = archive@good.test
recipient_bcc_maps = inline:{{ {{ ben@local.example = copy@local.example }} }}
forward_path = {folder}/forward/$user
mail_spool_directory = {folder}/mailboxes/
"""
DOVECOT = """
log_path = {log}
log_timestamp = "%b %d %H:%M:%S hub dovecot: "
postmaster_address = postmaster@local.example
hostname = mx.local.example
"""


@dataclass(frozen=True, slots=True)
class SieveLab:
    """The two servers; the log is ``postfix.log``."""

    postfix: PostfixInstance
    dovecot: Dovecot

    def send(self, subject: str, *to: str) -> str:
        """One message; gives its Message-ID."""
        message_id = f"<{subject.replace(' ', '-')}.{time.time_ns()}@client.test>"
        raw = f"From: {SENDER}\nTo: {USER}\nSubject: {subject}\nMessage-ID: {message_id}\n\nhi\n"
        self.postfix.send(to or [USER], sender=SENDER, raw=raw.encode())
        return message_id

    def settle(self, deliveries: int) -> None:
        """Until nothing is queued, and Dovecot told of so many deliveries: its lines take a way of
        their own."""
        until = time.monotonic() + 30
        while self.postfix.ids() or self._told() < deliveries:
            assert time.monotonic() < until, self.postfix.log.read_text()
            time.sleep(0.1)

    def _told(self) -> int:
        lines = self.postfix.log.read_bytes().splitlines()
        return len({session_of(line) for line in lines if b"sieve: msgid=" in line})


@contextmanager
def running_sieve_lab(*, by_sendmail: bool) -> Iterator[SieveLab]:
    """What Sieve sends comes back by sendmail(1) or by SMTP. Nothing is left afterwards."""
    need_postfix()
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="smtpadmin-sieve-"))
        folder.chmod(0o755)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        port, sink = free_ports(2)
        postfix = PostfixInstance("hub", folder / "hub", port)
        make_folders(postfix)
        back = f"sendmail_path = /usr/sbin/sendmail -C {postfix.etc}\n"
        settings = DOVECOT.format(log=postfix.log)
        settings += back if by_sendmail else f"submission_host = 127.0.0.1:{port}\n"
        dovecot = stack.enter_context(
            running_dovecot(others=[BEN, COPY], sieve=SCRIPT, settings=settings)
        )
        process = start_sink(sink, [])
        stack.callback(process.wait, 10)
        stack.callback(process.kill)
        _configure(postfix, dovecot, sink)
        stack.enter_context(named_in_system_file([postfix.etc]))
        stack.callback(postfix.stop)
        postfix.start()
        yield SieveLab(postfix, dovecot)


def _configure(postfix: PostfixInstance, dovecot: Dovecot, sink: int) -> None:
    folder = postfix.folder
    common = COMMON.format(
        folder=folder, instance_name=postfix.instance_name, name=postfix.name,
        next_hop=f"lmtp:inet:127.0.0.1:{dovecot.ports['lmtp']}",
    )  # fmt: skip
    route = f"{{ good.test = smtp:[127.0.0.1]:{sink} }}, {{ local.example"
    common = common.replace("{ local.example", route)
    common = common.replace("relay_domains = ", "relay_domains = good.test, ")
    (postfix.etc / "main.cf").write_text(common + MAIN.format(folder=folder))
    (postfix.etc / "master.cf").write_text(MASTER_CF.format(port=postfix.port))
    for part in ("forward", "mailboxes"):
        (folder / part).mkdir()
        (folder / part).chmod(0o1777)
    (folder / "forward/nobody").write_text(f"\\nobody, {OUTSIDE}\n")
    shutil.chown(folder / "forward/nobody", "nobody")
