"""A real Rspamd as a milter on loopback: its own test patterns only, no rules, no network.

Two ports: one refuses what is spam, the other asks Postfix to quarantine it. Stock Rspamd compiles
9,600 suffixes of domains before it listens, about ten seconds: a list of three is enough here.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.programs import need_root, program

USER = "_rspamd"
ADD_HEADER = "YJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
"""Rspamd's own pattern beside GTUBE: not refused but marked, ``X-Spam: Yes``."""

CONFIG = """\
options {{
  pidfile = "{folder}/run/rspamd.pid";
  control_socket = "{folder}/run/rspamd.sock mode=0600";
  url_tld = "{folder}/suffixes";
  dns {{ nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 0; }}
  filters = "";
  enable_test_patterns = true;
  disable_hyperscan = true;
  check_local = true;
  check_authed = true;
}}
logging {{ type = "file"; filename = "{folder}/log/rspamd.log"; level = "info"; }}
actions {{ reject = 15; add_header = 6; }}
worker "rspamd_proxy" {{
  bind_socket = "127.0.0.1:{refusing}"; milter = yes; timeout = 20s; count = 1;
  upstream "local" {{ default = yes; self_scan = yes; }}
}}
worker "rspamd_proxy" {{
  bind_socket = "127.0.0.1:{quarantining}"; milter = yes; timeout = 20s; count = 1;
  quarantine_on_reject = true;
  upstream "local" {{ default = yes; self_scan = yes; }}
}}
"""


@dataclass(frozen=True, slots=True)
class Rspamd:
    """A started one: the ports of its milters."""

    folder: Path
    refusing: int
    quarantining: int

    @property
    def log(self) -> Path:
        """What it says of every message."""
        return self.folder / "log/rspamd.log"


@contextmanager
def running_rspamd() -> Iterator[Rspamd]:
    """Skips (in CI: fails) where it is not installed; nothing is left afterwards."""
    binary = program("rspamd")
    need_root()
    folder = Path(tempfile.mkdtemp(prefix="smtpadmin-rspamd-"))
    folder.chmod(0o755)
    server = Rspamd(folder, *_free_ports())
    try:
        _configure(server)
        with subprocess.Popen(
            [binary, "-f", "-u", USER, "-g", USER, "-c", folder / "rspamd.conf",
             *(f"--var={name}={folder}/run" for name in ("DBDIR", "RUNDIR", "LOGDIR"))],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:  # fmt: skip
            try:
                _wait(server, process)
                yield server
            finally:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _configure(server: Rspamd) -> None:
    folder = server.folder
    for part in ("run", "log"):
        (folder / part).mkdir()
        shutil.chown(folder / part, USER, USER)
    (folder / "suffixes").write_text("// ===BEGIN ICANN DOMAINS===\ncom\norg\nnet\n")
    (folder / "rspamd.conf").write_text(
        CONFIG.format(folder=folder, refusing=server.refusing, quarantining=server.quarantining)
    )


def _free_ports() -> tuple[int, int]:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        return one.getsockname()[1], two.getsockname()[1]


def _wait(server: Rspamd, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    for port in (server.refusing, server.quarantining):
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            said = server.log.read_text("utf-8", "replace") if server.log.exists() else "no log"
            assert process.poll() is None, said
            assert time.monotonic() < until, said
            time.sleep(0.05)
