"""Reading known_hosts; the decisions on real keys are in test_ssh_connect."""

from __future__ import annotations

import subprocess
from pathlib import Path

import asyncssh
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smtpadmin.formats.fingerprint import openssh_form
from smtpadmin.transport.ssh_options import Resolved, Target
from smtpadmin.transport.ssh_trust import HostKeyCheck, hex_fingerprint, look_up
from tests.support.programs import program

KEYS = [asyncssh.generate_private_key("ssh-ed25519") for _ in range(3)]
LINES = [key.export_public_key().decode().strip() for key in KEYS]


def known(tmp_path: Path, text: str, host: str = "mx1", port: int = 22):  # type: ignore[no-untyped-def]
    file = tmp_path / "known_hosts"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    return look_up(host, port, [file, tmp_path / "missing", tmp_path])


def test_names_ports_and_markers(tmp_path: Path) -> None:
    text = f"mx1,[mx1]:2222 {LINES[0]}\n@revoked * {LINES[1]}\n@cert-authority *.org {LINES[2]}\n"
    assert known(tmp_path, text).keys == [KEYS[0].convert_to_public()]
    assert known(tmp_path, text, "MX1").keys
    found = known(tmp_path, text, "mx1", 2222)
    assert (len(found.keys), len(found.revoked), found.exactly) == (1, 1, True)
    elsewhere = known(tmp_path, text, "mx1", 23)
    assert (len(elsewhere.keys), elsewhere.exactly) == (1, False)
    assert known(tmp_path, text, "mail.example.org").authorities
    assert not known(tmp_path, text, "mx2").keys


def test_a_broken_line_hides_no_other(tmp_path: Path) -> None:
    broken = "nonsense\n@what mx1 x y\n|1|!|! ssh-ed25519 AAAA\nmx1 ssh-ed25519 !!!!\n\udcff\n"
    assert known(tmp_path, f"{broken}mx1 {LINES[0]}\n").keys


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(max_size=200))
def test_any_text_before_a_line(tmp_path: Path, text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    assert known(tmp_path, f"{text}\nmx1 {LINES[0]}\n").keys


def test_the_fingerprint_is_the_one_that_ssh_keygen_shows(tmp_path: Path) -> None:
    (tmp_path / "k.pub").write_text(LINES[0] + "\n")
    said = subprocess.run(
        [program("ssh-keygen"), "-lf", str(tmp_path / "k.pub")],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert openssh_form(hex_fingerprint(KEYS[0].convert_to_public())) in said.split()


def check(files: tuple[str, ...] = (), trust: dict[str, str] | None = None) -> HostKeyCheck:
    resolved = Resolved(Target("mx1"), "mx1", 22, "ann", "mx1", (), known_hosts=files)
    return HostKeyCheck(resolved, trust or {})


def test_known_kinds_of_key_are_asked_for_first(tmp_path: Path) -> None:
    (tmp_path / "k").write_text(
        f"mx1 {asyncssh.generate_private_key('ssh-rsa').export_public_key().decode()}"
    )
    names = check((str(tmp_path / "k"),)).algorithms()
    assert names is not None
    assert names[0].startswith("rsa-sha2")
    assert "ssh-ed25519" in names


@pytest.mark.parametrize("typed", [str.upper, str.lower])
def test_the_accepted_one_however_it_was_typed(typed, monkeypatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("HOME", str(tmp_path))
    key = KEYS[0].convert_to_public()
    assert check(trust={"ssh:mx1:22": typed(hex_fingerprint(key))}).accepts(key)
    assert not check(trust={"ssh:mx2:22": hex_fingerprint(key)}).accepts(key)
    assert not check().accepts(key)
