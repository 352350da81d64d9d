"""A real OpenSSH server on a free loopback port, with accounts made for it.

    with sshd_running() as sshd, account(sshd, password="secret") as user:
        ...  # sshd.host, sshd.port, user.name, user.key

Everything (keys, configuration, homes) lies in a folder of its own and is gone afterwards.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from smtpadmin.model.profile import Profile
from tests.support.programs import need_root, program

HOST = "127.0.0.1"
START_S = 10.0
_number = itertools.count()


@dataclass(frozen=True)
class Account:
    """Somebody who may log in. ``key`` is a private key file without a passphrase."""

    name: str
    home: Path
    key: Path
    password: str


@dataclass
class Sshd:
    """One running server."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    host: str = HOST

    @property
    def host_key(self) -> str:
        """The public host key: type and base64."""
        return " ".join((self.folder / "host_ed25519.pub").read_text().split()[:2])

    @property
    def known_hosts_line(self) -> str:
        """For ``known_hosts``."""
        return f"[{self.host}]:{self.port} {self.host_key}\n"

    @property
    def fingerprint(self) -> str:
        """SHA-256 in hex, as a profile keeps it."""
        import base64
        import hashlib

        return hashlib.sha256(base64.b64decode(self.host_key.split()[1])).hexdigest()

    @property
    def log(self) -> str:
        """What sshd logged."""
        return (self.folder / "sshd.log").read_text(errors="replace")

    def trust(self) -> dict[str, str]:
        """For ``Profile.trust``."""
        return {f"ssh:{self.host}:{self.port}": self.fingerprint}

    def profile(self, user: Account, **settings: str) -> Profile:
        """A profile that logs ``user`` in by key; ``key_file=""`` takes the key away."""
        chosen = {"key_file": str(user.key), **settings}
        return Profile(
            f"test-{self.port}-{user.name}", "lab", "postfix", host=self.host, port=self.port,
            user=user.name, trust=self.trust(), settings={k: v for k, v in chosen.items() if v},
        )  # fmt: skip

    def sessions(self) -> list[int]:
        """Processes that serve one connection each."""
        return children(self.process.pid)

    def cut(self) -> None:
        """Every connection ends at once, as when the network or the server dies."""
        for pid in self.sessions():
            for process in (*children(pid), pid):
                if _name(process).startswith("sshd"):
                    _kill(process)

    def stop(self) -> None:
        """End the server and every session; what they ran too."""
        for pid in descendants(self.process.pid):
            _kill(pid)
        self.process.kill()
        self.process.wait()


def children(pid: int) -> list[int]:
    """Process ids whose parent is ``pid``."""
    return _by_parent().get(pid, [])


def descendants(pid: int) -> list[int]:
    """Children, and theirs."""
    found, tree = [pid], _by_parent()
    for known in found:
        found += tree.get(known, [])
    return found[1:]


def _by_parent() -> dict[int, list[int]]:
    tree: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            tree.setdefault(_parent(int(entry.name)), []).append(int(entry.name))
    return tree


def _parent(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[1])


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def sshd_running(*options: str) -> Iterator[Sshd]:
    """A server meanwhile. ``options`` are lines of sshd_config(5); they count more than ours."""
    folder = Path(tempfile.mkdtemp(prefix="smtpadmin-sshd-"))
    folder.chmod(0o755)
    server = start_sshd(folder, *options)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def start_sshd(folder: Path, *options: str, port: int = 0) -> Sshd:
    """Start a server in ``folder`` (which others may enter); the caller stops it."""
    daemon = program("sshd")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    make_key(folder / "host_ed25519")
    port = port or free_port()
    config = folder / "sshd_config"
    config.write_text("\n".join((*options, *_options(folder, port))) + "\n")
    process = subprocess.Popen(
        [daemon, "-D", "-f", str(config), "-E", str(folder / "sshd.log")],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    server = Sshd(folder, port, process)
    _wait_until_it_answers(server)
    return server


def _options(folder: Path, port: int) -> tuple[str, ...]:
    return (
        f"Port {port}",
        f"ListenAddress {HOST}",
        f"HostKey {folder}/host_ed25519",
        f"PidFile {folder}/sshd.pid",
        f"AuthorizedKeysFile {folder}/%u.keys",
        "StrictModes no",
        "UsePAM no",
        "UseDNS no",
        "PermitRootLogin prohibit-password",
        "PasswordAuthentication yes",
        "KbdInteractiveAuthentication no",
        "MaxStartups 100:30:200",
        "LogLevel VERBOSE",
    )


def _wait_until_it_answers(server: Sshd) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        assert server.process.poll() is None, server.log
        with contextlib.suppress(OSError), socket.create_connection((HOST, server.port), 1.0):
            return
        time.sleep(0.02)
    raise AssertionError(f"sshd does not answer: {server.log}")


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def make_key(path: Path, passphrase: str = "") -> Path:
    """A new ed25519 key, unless it is there."""
    if not path.exists():
        subprocess.run(
            [program("ssh-keygen"), "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)],
            check=True, capture_output=True,
        )  # fmt: skip
    return path


def allow_key(sshd: Sshd, user: Account, key: Path) -> None:
    """Let ``user`` log in with one more key."""
    public = Path(f"{key}.pub").read_text()
    with (sshd.folder / f"{user.name}.keys").open("a") as file:
        file.write(public)


@contextlib.contextmanager
def account(
    sshd: Sshd, *, password: str = "", shell: str = "/bin/bash", sudoers: str = ""
) -> Iterator[Account]:
    """A new user of this machine meanwhile, with a key (needs root). ``sudoers`` holds rules as of
    sudoers(5) with ``USER`` for the name. Processes of the user end with it."""
    need_root()
    name = f"sa{os.getpid()}x{next(_number)}"
    password = password or secrets.token_hex(8)
    home = sshd.folder / name
    _change_users("useradd", "-m", "-d", str(home), "-s", shell, "-K", "MAIL_DIR=/dev/null", name)
    rules = Path(f"/etc/sudoers.d/smtpadmin-test-{name}")
    try:
        # Without PAM an account that has no password is locked.
        subprocess.run([program("chpasswd")], input=f"{name}:{password}".encode(), check=True)
        home.chmod(0o755)
        user = Account(name, home, make_key(sshd.folder / f"{name}.key"), password)
        allow_key(sshd, user, user.key)
        if sudoers:
            write_sudoers(rules, sudoers.replace("USER", name))
        yield user
    finally:
        rules.unlink(missing_ok=True)
        for pid in _processes_of(name):
            _kill(pid)
        _change_users("userdel", "-f", name)


def write_sudoers(path: Path, rules: str) -> None:
    """Put sudo rules into force; a mistake in them raises instead of breaking sudo."""
    program("sudo")
    draft = path.with_name(f"{path.name}.draft~")  # sudo skips names that end in ~
    draft.write_text(rules + "\n")
    draft.chmod(0o440)
    try:
        subprocess.run([program("visudo"), "-cqf", str(draft)], check=True)
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)


def _change_users(*command: str) -> None:
    """Run useradd or userdel, which give up at once while another one has the lock."""
    until = time.monotonic() + START_S
    while True:
        done = subprocess.run([program(command[0]), *command[1:]], capture_output=True, text=True)
        if done.returncode == 0:
            return
        assert "lock" in done.stderr, done.stderr
        assert time.monotonic() < until, done.stderr
        time.sleep(0.1)


def _processes_of(name: str) -> list[int]:
    uid = pwd.getpwnam(name).pw_uid
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdecimal() and entry.stat().st_uid == uid:
                found.append(int(entry.name))
    return found


@contextlib.contextmanager
def ssh_agent(*keys: Path) -> Iterator[dict[str, str]]:
    """An agent that holds ``keys``; gives the environment that leads to it."""
    folder = tempfile.mkdtemp(prefix="smtpadmin-agent-")
    sock = f"{folder}/agent"
    process = subprocess.Popen(
        [program("ssh-agent"), "-D", "-a", sock],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + START_S
        while not Path(sock).exists():
            assert time.monotonic() < until
            time.sleep(0.01)
        for key in keys:
            subprocess.run(
                [program("ssh-add"), "-q", str(key)], check=True, capture_output=True,
                env={"SSH_AUTH_SOCK": sock, "PATH": os.environ["PATH"]},
            )  # fmt: skip
        yield {"SSH_AUTH_SOCK": sock}
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)
