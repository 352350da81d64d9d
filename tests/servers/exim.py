"""A real Exim on loopback, from an empty folder: local mailboxes, a next hop that accepts, defers or
refuses, a closed port, addresses that fail or defer by routing.

Needs root, the user Debian-exim and the program, installed or as packaging/test unpacks it. Its
configuration file is entered in /etc/exim4/trusted_configs, where a Debian Exim looks for those that
another user than root may name, and taken out again under a lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import re
import shutil
import signal
import smtplib
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from smtpadmin.model.profile import Environment, Profile, SafetyLevel

TRUSTED = Path("/etc/exim4/trusted_configs")
DEFAULT = Path("/etc/exim4/exim4.conf")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "smtpadmin-tests"
PROGRAMS = (CACHE / "exim4/usr/sbin/exim4", Path("/usr/sbin/exim4"))
USER = "Debian-exim"
ID = re.compile(r"[0-9A-Za-z]{6}-(?:[0-9A-Za-z]{6}-[0-9A-Za-z]{2}|[0-9A-Za-z]{11}-[0-9A-Za-z]{4})")

CONFIG = """\
primary_hostname = ex1.lab.test
qualify_domain = lab.test
# the compiled-in path is another one: without this every delivery fails to start Exim again
exim_path = {binary}
keep_environment =
tls_advertise_hosts =
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/exim.pid
log_selector = +pid +received_recipients +subject
domainlist local_domains = lab.test
host_lookup =
rfc1413_query_timeout = 0s
dns_dnssec_ok = 0
never_users = root
trusted_users = Debian-exim : root
queue_list_requires_admin = {list_requires_admin}
smtp_accept_queue_per_connection = 0
timeout_frozen_after = 7d
freeze_tell =
message_size_limit = 50M
acl_smtp_rcpt = rcpt
begin acl
rcpt:
  deny message = no such user
       recipients = nobody@lab.test
  warn recipients = ^frozen
       control = freeze
  accept hosts = 127.0.0.1
begin routers
fails:
  driver = redirect
  domains = +local_domains
  local_parts = bounceme
  allow_fail
  data = :fail: mailbox closed
defers:
  driver = redirect
  domains = +local_domains
  local_parts = later
  allow_defer
  data = :defer: quota check not reachable
alias:
  driver = redirect
  domains = +local_domains
  local_parts = team
  data = anna@lab.test, u@down.test
away:
  driver = manualroute
  domains = good.test : tempfail.test : refused.test
  transport = hop
  route_list = * 127.0.0.1 byname
  self = send
down:
  driver = manualroute
  domains = down.test
  transport = closed
  route_list = * 127.0.0.1 byname
  self = send
mailbox:
  driver = accept
  domains = +local_domains
  local_parts = anna : ben
  transport = maildir
{given}begin transports
given:
  driver = smtp
  allow_localhost
hop:
  driver = smtp
  port = {hop}
  allow_localhost
closed:
  driver = smtp
  port = {down}
  allow_localhost
maildir:
  driver = appendfile
  directory = {folder}/mail/$local_part_data
  maildir_format
  create_directory
  user = Debian-exim
  group = Debian-exim
begin retry
* * F,2h,10m; G,16h,1h,1.5; F,4d,6h
"""

GIVEN = """\
to_{port}:
  driver = manualroute
  domains = {domain}
  transport = given
  route_list = * 127.0.0.1::{port} byname
  self = send
"""


def need_exim() -> Path:
    """The program; skips (in CI: fails) where Exim cannot be started."""
    found = next((path for path in PROGRAMS if path.exists()), None)
    why = ""
    if found is None:
        why = "Exim is neither installed nor unpacked (packaging/test does it)"
    elif os.geteuid() != 0:
        why = "this is not root"
    elif not _user_exists():
        why = f"there is no user {USER}"
    if why:
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    assert found is not None
    return found


def _user_exists() -> bool:
    try:
        pwd.getpwnam(USER)
    except KeyError:
        return False
    return True


@dataclass
class Exim:
    """One running Exim."""

    folder: Path
    binary: Path
    port: int

    @property
    def config(self) -> Path:
        """Its configuration file."""
        return self.folder / "exim.conf"

    def log(self, name: str = "main") -> Path:
        """Its main, reject or panic log."""
        return self.folder / f"log/{name}log"

    def profile(self, **settings: str) -> Profile:
        """A profile that reaches it on this computer."""
        own = {"access": "local", "binary": str(self.binary), "config": str(self.config)}
        return Profile(
            "u-exim", "ex1", "exim", environment=Environment.TEST, safety=SafetyLevel.FREE,
            settings={**own, **settings},
        )  # fmt: skip

    def run(self, *args: str, stdin: bytes = b"", user: str = "") -> str:
        """Exim with its configuration; gives stdout and stderr."""
        argv = [str(self.binary), "-C", str(self.config), *args]
        if user:
            argv = ["setpriv", "--reuid", user, "--regid", "nogroup", "--clear-groups", *argv]
        done = subprocess.run(argv, input=stdin, capture_output=True, timeout=60, check=False)
        return (done.stdout + done.stderr).decode("utf-8", "backslashreplace")

    def ids(self) -> list[str]:
        """Message IDs now in the queue, the oldest first."""
        heads = (line for line in self.run("-bp").splitlines() if not line.startswith("        "))
        return [found[0] for line in heads if (found := ID.search(line))]

    def put(self, to: str | Sequence[str], sender: str = "anna@lab.test", raw: bytes = b"",
            *options: str) -> str:  # fmt: skip
        """Leave a message in the queue, not tried yet; gives its ID."""
        before = set(self.ids())
        addresses = [to] if isinstance(to, str) else list(to)
        raw = raw or b"From: anna@lab.test\nSubject: hello\n\nline\n"
        said = self.run(
            "-odq", "-i", *options, "-f", sender or "<>", "--", *(f"<{a}>" for a in addresses),
            stdin=raw,
        )  # fmt: skip
        (new,) = set(self.ids()) - before or pytest.fail(f"Exim did not take it: {said}")
        return new

    def put_many(self, count: int, to: str, sender: str = "anna@lab.test") -> None:
        """Leave messages in the queue, ``{n}`` in the recipient counted up (batch SMTP)."""
        said = "".join(
            f"MAIL FROM:<{sender}>\r\nRCPT TO:<{to.format(n=n)}>\r\nDATA\r\n"
            f"Subject: number {n}\r\n\r\nline {n}\r\n.\r\n"
            for n in range(count)
        )
        self.run("-odq", "-bS", stdin=said.encode())

    def send(
        self, to: str, sender: str = "anna@lab.test", text: str = "Subject: hi\n\nline"
    ) -> str:
        """Hand a message in over SMTP, to be tried at once; gives its ID."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=30) as client:
            client.ehlo()
            client.mail(sender)
            code, reply = client.rcpt(to)
            assert code == 250, reply
            code, reply = client.data(text)
        assert code == 250, reply
        return reply.decode().rpartition("=")[2]

    def wait_for(self, text: str, log: str = "main", seconds: float = 20) -> None:
        """Until a log holds a text."""
        deadline = time.monotonic() + seconds
        while not (self.log(log).exists() and text in self.log(log).read_text("utf-8", "replace")):
            assert time.monotonic() < deadline, self.log().read_text("utf-8", "replace")
            time.sleep(0.05)

    def empty(self) -> None:
        """Remove everything that is queued."""
        if ids := self.ids():
            self.run("-Mrm", *ids)


class _Hop(socketserver.StreamRequestHandler):
    """A next hop that takes mail, unless the recipient's domain says what it should do."""

    def handle(self) -> None:
        self._say("220 hop.test ESMTP")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"RCPT":
                refused = b"@refused.test" in line
                later = b"@tempfail.test" in line
                self._say(
                    "550 5.1.1 no such user"
                    if refused
                    else "450 4.2.0 later"
                    if later
                    else "250 OK"
                )
            elif word == b"DATA":
                self._say("354 go on")
                while (text := self.rfile.readline()) not in (b".\r\n", b""):
                    pass
                self._say("250 OK id=hop1" if text else "")
            elif word == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 OK")

    def _say(self, line: str) -> None:
        with contextlib.suppress(OSError):
            self.wfile.write(f"{line}\r\n".encode())


@contextlib.contextmanager
def running_exim(
    *, list_requires_admin: bool = True, routes: Mapping[str, int] | None = None
) -> Iterator[Exim]:
    """A daemon without queue runs, so that what waits stays; nothing is left afterwards. ``routes``
    sends domains to ports on this computer."""
    program = need_exim()
    folder = Path(tempfile.mkdtemp(prefix="smtpadmin-exim-"))
    folder.chmod(0o755)
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))  # bound and not listening: refuses, and nobody else gets it
    hop = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Hop)
    hop.daemon_threads = True
    thread = threading.Thread(target=hop.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    exim = Exim(folder, folder / "exim4", _free_port())
    try:
        _configure(exim, program, hop.server_address[1], holder, list_requires_admin, routes or {})
        with _trusted(exim.config):
            try:
                _start(exim)
                yield exim
            finally:
                _stop(exim)
    finally:
        hop.shutdown()
        hop.server_close()
        thread.join(10)
        holder.close()
        shutil.rmtree(folder, ignore_errors=True)


def _configure(
    exim: Exim, program: Path, hop: int, holder: socket.socket, list_requires_admin: bool,
    routes: Mapping[str, int],
) -> None:  # fmt: skip
    shutil.copyfile(program, exim.binary)
    os.chown(exim.binary, 0, 0)
    exim.binary.chmod(0o4755)
    user = pwd.getpwnam(USER)
    for part in ("spool", "log", "mail"):
        (exim.folder / part).mkdir()
        os.chown(exim.folder / part, user.pw_uid, user.pw_gid)
    text = CONFIG.format(
        binary=exim.binary, port=exim.port, folder=exim.folder, hop=hop,
        down=holder.getsockname()[1], list_requires_admin=str(list_requires_admin).lower(),
        given="".join(GIVEN.format(domain=domain, port=port) for domain, port in routes.items()),
    )  # fmt: skip
    exim.config.write_text(text)
    exim.config.chmod(0o644)


def _start(exim: Exim) -> None:
    with (exim.folder / "start.txt").open("wb") as out:  # a daemon would keep a pipe open
        subprocess.run(
            [exim.binary, "-C", exim.config, "-bd"],
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            timeout=60, check=False,
        )  # fmt: skip
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", exim.port)):
            return
        assert time.monotonic() < deadline, (exim.folder / "start.txt").read_text()
        time.sleep(0.05)


def _stop(exim: Exim) -> None:
    """The daemon, and deliveries that are still running."""
    for pid in _processes(str(exim.binary)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 10
    while (left := _processes(str(exim.binary))) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left, left


def _processes(binary: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                if (entry / "exe").resolve() == Path(binary):
                    found.append(int(entry.name))
    return found


def _free_port() -> int:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        return int(holder.getsockname()[1])


@contextlib.contextmanager
def _trusted(config: Path) -> Iterator[None]:
    _edit_trusted(add=config)
    try:
        yield
    finally:
        _edit_trusted(remove=config)


@contextlib.contextmanager
def as_the_default(exim: Exim) -> Iterator[None]:
    """Meanwhile Exim without ``-C`` uses this configuration: with ``-C`` it gives up its rights."""
    with _system_folder():
        try:
            DEFAULT.symlink_to(exim.config)
        except FileExistsError:
            pytest.skip(f"{DEFAULT} is there already: another test runs, or this host is in use")
    try:
        yield
    finally:
        with _system_folder():
            DEFAULT.unlink()


def _edit_trusted(add: Path | None = None, remove: Path | None = None) -> None:
    with _system_folder():
        lines = TRUSTED.read_text().splitlines() if TRUSTED.exists() else []
        lines = [line for line in lines if line != str(remove)]
        if add is not None:
            lines.append(str(add))
        if lines:
            TRUSTED.write_text("".join(f"{line}\n" for line in lines))
        else:
            TRUSTED.unlink(missing_ok=True)


@contextlib.contextmanager
def _system_folder() -> Iterator[None]:
    """/etc/exim4, for one test run at a time; gone again when nothing is in it."""
    with (Path(tempfile.gettempdir()) / "smtpadmin-exim.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        TRUSTED.parent.mkdir(exist_ok=True)
        TRUSTED.parent.chmod(0o755)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                TRUSTED.parent.rmdir()
