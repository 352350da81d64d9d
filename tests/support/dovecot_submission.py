"""A real Dovecot submission server on loopback: SASL over TLS, mail relayed to a port of ours."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.programs import needed

MECHANISMS = "plain login cram-md5 scram-sha-1 scram-sha-256"
READY_S = 15.0


@contextmanager
def dovecot_submission(
    user: str, password: str, relay: int, cert: Path, key: Path
) -> Iterator[int]:
    """Gives the port. Needs root, as Dovecot does."""
    program = needed("dovecot", path="/usr/sbin")
    needed("submission-login", path="/usr/lib/dovecot")
    if os.geteuid() != 0:
        pytest.skip("Dovecot is started as root")
    folder = Path(tempfile.mkdtemp(prefix="dovecot-test-", dir="/tmp"))
    folder.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = _configured(folder, user, password, port, relay, cert, key)
    subprocess.run(
        [program, "-c", str(config)],
        check=True,
        timeout=20,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(port, folder)
        yield port
    finally:
        subprocess.run([needed("doveadm"), "-c", str(config), "stop"], check=False, timeout=20)
        shutil.rmtree(folder, ignore_errors=True)


def _configured(
    folder: Path, user: str, password: str, port: int, relay: int, cert: Path, key: Path
) -> Path:
    (folder / "users").write_text(f"{user}:{{PLAIN}}{password}\n")
    (folder / "users").chmod(0o644)
    for file, target in ((cert, "cert.pem"), (key, "key.pem")):
        shutil.copy(file, folder / target)
    config = folder / "dovecot.conf"
    config.write_text(
        f"""base_dir = {folder}/run
state_dir = {folder}/state
instance_name = smtpadmin-test
log_path = {folder}/log
protocols = submission
listen = 127.0.0.1
hostname = mx.example
submission_relay_host = 127.0.0.1
submission_relay_port = {relay}
submission_relay_trusted = no
mail_location = maildir:{folder}/mail/%u
auth_mechanisms = {MECHANISMS}
disable_plaintext_auth = no
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
first_valid_uid = 1
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/mail/%u
}}
service submission-login {{
  inet_listener submission {{
    port = {port}
  }}
  chroot =
}}
service anvil {{
  chroot =
}}
"""
    )
    (folder / "mail").mkdir(mode=0o777)
    (folder / "mail").chmod(0o777)
    return config


def _wait(port: int, folder: Path) -> None:
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as talk:
                talk.settimeout(5)
                if talk.recv(100).startswith(b"220"):
                    return
        except OSError:
            time.sleep(0.1)
    log = folder / "log"
    pytest.fail(f"Dovecot did not start: {log.read_text()[-2000:] if log.exists() else 'no log'}")
