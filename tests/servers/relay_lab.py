"""Two relays before a mailbox server, as a company has them, and an Exim beside the first.

``edge`` (Postfix) and ``exim`` hand everything for local.example to ``hub`` (Postfix), and that one
by LMTP to Dovecot. ``hub`` knows that ``nobody`` is not there, greylists ``grey``, and asks Rspamd.
``edge`` takes logins by TLS, and has two more ports where Rspamd refuses or quarantines; on the first
of them logins need no TLS, so that they can be read on the wire.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.dovecot import Dovecot, running_dovecot
from tests.servers.exim import Exim, running_exim
from tests.servers.greylisting import Greylisting, running_greylisting
from tests.servers.postfix import (
    MASTER_CF,
    PostfixInstance,
    free_ports,
    make_folders,
    named_in_system_file,
    need_postfix,
)
from tests.servers.rspamd import Rspamd, running_rspamd

DOMAIN = "local.example"
GREY, GONE, NOBODY = f"grey@{DOMAIN}", f"gone@{DOMAIN}", f"nobody@{DOMAIN}"
"""Put off once; unknown to the mailbox server; unknown to the second relay."""
INTO_JUNK = """\
require ["fileinto"];
if header :is "X-Spam" "Yes" { fileinto "Junk"; }
"""
COMMON = """\
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
multi_instance_name = {instance_name}
multi_instance_enable = yes
maillog_file = {folder}/log/mail.log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = {name}.local.example
mydestination = $myhostname
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
disable_dns_lookups = yes
smtp_host_lookup = native
default_transport = error:5.1.2 no route
relay_domains = local.example
transport_maps = inline:{{ {{ local.example = {next_hop} }} }}
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
queue_run_delay = 300s
smtp_connect_timeout = 5s
milter_default_action = tempfail
"""
EDGE = """\
enable_long_queue_ids = no
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{auth}
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_chain_files = {chain}
"""
EDGE_PORTS = """\
tlsmgr unix - - n 1000? 1 tlsmgr
127.0.0.1:{filtered} inet n - n - - smtpd
  -o smtpd_tls_auth_only=no
  -o smtpd_milters=inet:127.0.0.1:{refusing}
127.0.0.1:{guarded} inet n - n - - smtpd
  -o smtpd_milters=inet:127.0.0.1:{quarantining}
"""
HUB = """\
enable_long_queue_ids = yes
smtpd_milters = inet:127.0.0.1:{refusing}
smtpd_recipient_restrictions =
  check_recipient_access inline:{{ {{ nobody@local.example = 550 5.1.1 no such user here }} }}
  check_policy_service inet:127.0.0.1:{greylisting}
"""


@dataclass(frozen=True, slots=True)
class RelayLab:
    """The servers, and the two other ports of ``edge``."""

    edge: PostfixInstance
    hub: PostfixInstance
    exim: Exim
    dovecot: Dovecot
    rspamd: Rspamd
    greylisting: Greylisting
    filtered: int
    guarded: int

    def flush(self) -> None:
        """Try everything that waits at ``edge`` again, now."""
        self.edge.run("postqueue", "-f")


@contextmanager
def running_relay_lab(password: str) -> Iterator[RelayLab]:
    """``password`` is that of every account. Nothing is left afterwards."""
    need_postfix()
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="smtpadmin-relays-"))
        folder.chmod(0o755)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        rspamd = stack.enter_context(running_rspamd())
        dovecot = stack.enter_context(
            running_dovecot(others=[GREY], password=password, sieve=INTO_JUNK)
        )
        grey = stack.enter_context(running_greylisting(GREY))
        ports = dict(zip(("edge", "hub", "filtered", "guarded"), free_ports(4), strict=True))
        edge, hub = (PostfixInstance(n, folder / n, ports[n]) for n in ("edge", "hub"))
        exim = stack.enter_context(running_exim(routes={DOMAIN: hub.port}))
        known = {
            **ports, "refusing": rspamd.refusing, "quarantining": rspamd.quarantining,
            "auth": dovecot.ports["auth"], "greylisting": grey.port,
            "chain": dovecot.folder / "server.pem",
        }  # fmt: skip
        _configure(hub, f"lmtp:inet:127.0.0.1:{dovecot.ports['lmtp']}", HUB.format(**known))
        _configure(
            edge, f"smtp:[127.0.0.1]:{hub.port}", EDGE.format(**known), EDGE_PORTS.format(**known)
        )
        stack.enter_context(named_in_system_file([edge.etc, hub.etc]))
        for instance in (hub, edge):
            stack.callback(instance.stop)
            instance.start()
        yield RelayLab(edge, hub, exim, dovecot, rspamd, grey, ports["filtered"], ports["guarded"])


def _configure(instance: PostfixInstance, next_hop: str, main: str, master: str = "") -> None:
    make_folders(instance)
    common = COMMON.format(
        folder=instance.folder, instance_name=instance.instance_name, name=instance.name,
        next_hop=next_hop,
    )  # fmt: skip
    (instance.etc / "main.cf").write_text(common + main)
    (instance.etc / "master.cf").write_text(MASTER_CF.format(port=instance.port) + master)
