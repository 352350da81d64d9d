"""Real Postfix instances on loopback, each from an empty folder: short and long queue IDs side by
side, next hops that defer, stall or accept, a domain that is held, a local Maildir.

Needs root and the Debian package. ``/etc/postfix/main.cf`` is where Postfix looks whether another
user may name a configuration directory: it is made when absent, and ours are entered and taken out
again under a lock. A file that somebody else made is never changed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.support.programs import need_root, program

SYSTEM = Path("/etc/postfix/main.cf")
_OURS = "# made by the tests of smtpadmin"
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
multi_instance_name = {instance_name}
multi_instance_enable = yes
maillog_file = {folder}/log/mail.log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = {name}.lab.test
mydomain = lab.test
mydestination = $myhostname, localhost
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
disable_dns_lookups = yes
smtp_host_lookup = native
transport_maps = texthash:{folder}/etc/transport
default_transport = error:5.1.2 no route
relay_domains = good.test, down.test, tempfail.test, slow.test, hold.test
virtual_mailbox_domains = lab.test
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/etc/mailboxes
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access texthash:{folder}/etc/recipients
smtpd_client_connection_count_limit = 0
smtpd_timeout = 20s
message_size_limit = 30000000
header_size_limit = 20000000
queue_run_delay = 300s
smtp_connect_timeout = 5s
enable_long_queue_ids = {long_ids}
"""

MASTER_CF = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def need_postfix() -> None:
    """Skip (in CI: fail) where Postfix is not installed; skip when not root, who alone starts it."""
    program("postfix")
    program("smtp-sink")
    need_root()


@dataclass
class PostfixInstance:
    """One running instance."""

    name: str
    folder: Path
    port: int

    @property
    def etc(self) -> Path:
        """Its configuration directory."""
        return self.folder / "etc"

    @property
    def instance_name(self) -> str:
        """Its ``multi_instance_name``, which no other test run has."""
        return f"postfix-{self.name}-{self.port}"

    @property
    def log(self) -> Path:
        """Its ``maillog_file``."""
        return self.folder / "log/mail.log"

    @property
    def mailboxes(self) -> Path:
        """Where mail for lab.test lands, a Maildir for each address."""
        return self.folder / "mail/lab.test"

    def run(self, *argv: str, stdin: str = "") -> str:
        """A Postfix command with ``-c`` and the instance's directory; gives stdout and stderr."""
        done = subprocess.run(
            [argv[0], "-c", str(self.etc), *argv[1:]],
            input=stdin, capture_output=True, text=True, timeout=60,
            env={"PATH": _PATH, "LC_ALL": "C.UTF-8"}, check=False,
        )  # fmt: skip
        return done.stdout + done.stderr

    def ids(self, queue: str | None = None) -> list[str]:
        """Queue IDs now listed."""
        import json

        lines = [json.loads(line) for line in self.run("postqueue", "-j").splitlines()]
        return [m["queue_id"] for m in lines if queue in (None, m["queue_name"])]

    def send(self, to: str | Sequence[str], sender: str = "anna@lab.test", subject: str = "hello",
             body: str = "line\n", raw: bytes | None = None) -> str:  # fmt: skip
        """Hand a message in over SMTP; gives the queue ID of the reply."""
        message = EmailMessage()
        message["From"], message["Subject"], message["Message-ID"] = (
            sender or "postmaster@lab.test", subject, f"<{time.time_ns()}@client.lab.test>",
        )  # fmt: skip
        message.set_content(body)
        with smtplib.SMTP("127.0.0.1", self.port, timeout=30) as client:
            client.ehlo()
            assert client.docmd(f"MAIL FROM:<{sender}>")[0] == 250
            for address in [to] if isinstance(to, str) else to:
                assert client.rcpt(address)[0] == 250
            code, reply = client.data(raw or message.as_bytes())
        assert code == 250, reply
        return reply.decode().rpartition(" ")[2]

    def wait_for(self, queue: str, *ids: str, seconds: float = 20) -> None:
        """Until all IDs are listed in that queue."""
        deadline = time.monotonic() + seconds
        while not set(ids) <= set(self.ids(queue)):
            assert time.monotonic() < deadline, self.run("postqueue", "-p") + self.log.read_text()
            time.sleep(0.05)

    def start(self) -> None:
        """Start it and wait until its port answers."""
        said = self.folder / "log/start.txt"
        with said.open("wb") as out:  # a daemon would keep a pipe open
            subprocess.run(
                ["postfix", "-c", str(self.etc), "start"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
                timeout=60, env={"PATH": _PATH}, check=False,
            )  # fmt: skip
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            assert time.monotonic() < deadline, said.read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it, if it runs."""
        self.run("postfix", "stop")

    def empty(self) -> None:
        """Delete everything that is queued."""
        self.run("postsuper", "-d", "ALL")


@dataclass
class PostfixLab:
    """``short`` and ``long`` are instances by their queue IDs."""

    folder: Path
    short: PostfixInstance
    long: PostfixInstance
    sinks: list[subprocess.Popen[bytes]] = field(default_factory=list)


@contextlib.contextmanager
def running_postfix() -> Iterator[PostfixLab]:
    """Both instances and their next hops; nothing is left afterwards."""
    need_postfix()
    folder = Path(tempfile.mkdtemp(prefix="smtpadmin-postfix-"))
    folder.chmod(0o755)
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))  # bound and not listening: refuses, and nobody else gets it
    ports = dict(zip(("good", "tempfail", "slow", "short", "long"), free_ports(5), strict=True))
    ports["down"] = holder.getsockname()[1]
    lab = PostfixLab(
        folder,
        *(PostfixInstance(name, folder / name, ports[name]) for name in ("short", "long")),
    )
    try:
        for name, option in (("good", ""), ("tempfail", "-r RCPT"), ("slow", "-w 15")):
            lab.sinks.append(start_sink(ports[name], option.split()))
        for instance in (lab.short, lab.long):
            _configure(instance, ports)
        with named_in_system_file([lab.short.etc, lab.long.etc]):
            for instance in (lab.short, lab.long):
                instance.start()
            yield lab
    finally:
        for instance in (lab.short, lab.long):
            if instance.etc.exists():
                instance.stop()
        for sink in lab.sinks:
            sink.kill()
            sink.wait(10)
        holder.close()
        shutil.rmtree(folder, ignore_errors=True)


def make_folders(instance: PostfixInstance) -> None:
    """What Postfix does not make itself, with the owners that it demands."""
    folder, postfix, nobody = instance.folder, pwd.getpwnam("postfix"), pwd.getpwnam("nobody")
    for part in ("etc", "spool", "data", "log", "mail"):
        (folder / part).mkdir(parents=True)
    os.chown(folder / "data", postfix.pw_uid, postfix.pw_gid)
    os.chown(folder / "mail", nobody.pw_uid, nobody.pw_gid)


def _configure(instance: PostfixInstance, ports: dict[str, int]) -> None:
    folder, nobody = instance.folder, pwd.getpwnam("nobody")
    make_folders(instance)
    values = {
        "folder": folder, "name": instance.name, "port": instance.port,
        "instance_name": instance.instance_name,
        "uid": nobody.pw_uid, "gid": nobody.pw_gid,
        "long_ids": "yes" if instance.name == "long" else "no",
    }  # fmt: skip
    files = {
        "main.cf": MAIN_CF.format(**values),
        "master.cf": MASTER_CF.format(**values),
        "transport": "".join(
            f"{domain}.test smtp:[127.0.0.1]:{ports[domain if domain != 'hold' else 'good']}\n"
            for domain in ("good", "down", "tempfail", "slow", "hold")
        ),
        "mailboxes": "".join(f"{user}@lab.test lab.test/{user}/\n" for user in ("anna", "ben")),
        "recipients": "hold.test HOLD by policy\n",
    }
    for name, text in files.items():
        (folder / "etc" / name).write_text(text)


def start_sink(port: int, options: list[str]) -> subprocess.Popen[bytes]:
    """A next hop that takes everything, unless the options of smtp-sink(1) say otherwise."""
    return subprocess.Popen(
        ["smtp-sink", "-u", "nobody", *options, f"127.0.0.1:{port}", "200"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={"PATH": _PATH}, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )  # fmt: skip


def free_ports(count: int) -> list[int]:
    """Ports that nobody has at this moment."""
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]


@contextlib.contextmanager
def named_in_system_file(folders: Sequence[Path]) -> Iterator[None]:
    """Lets other users name the directories, and ``postmulti`` list them."""
    _edit_system_file(add=folders)
    try:
        yield
    finally:
        _edit_system_file(remove=folders)


def _edit_system_file(add: Sequence[Path] = (), remove: Sequence[Path] = ()) -> None:
    with (Path(tempfile.gettempdir()) / "smtpadmin-postfix.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        text = SYSTEM.read_text() if SYSTEM.exists() else _OURS
        if not text.startswith(_OURS):
            pytest.skip(f"{SYSTEM} is somebody's own: this host is not for tests")
        named = [line for line in text.splitlines() if line.startswith("  ")]
        named = [line for line in named if Path(line.strip()) not in remove]
        named = [line for line in named if Path(line.strip()).is_dir()]
        named += [f"  {folder}" for folder in add]
        if not named:
            SYSTEM.unlink(missing_ok=True)
            return
        lines = [_OURS, "compatibility_level = 3.6", "master_service_disable = inet",
                 "multi_instance_enable = yes", "multi_instance_wrapper = postmulti -p --",
                 "alternate_config_directories = $multi_instance_directories",
                 "multi_instance_directories =", *named]  # fmt: skip
        written = SYSTEM.with_name("main.cf.smtpadmin")
        written.write_text("\n".join(lines) + "\n")
        written.replace(SYSTEM)
