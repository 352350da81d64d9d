"""Which name servers this machine asks."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from smtpadmin.model.dns import DnsError, DnsStatus, NameServer
from smtpadmin.transport.dns_servers import system_servers

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps them elsewhere")


def written(folder: Path, text: bytes) -> Path:
    file = folder / "resolv.conf"
    file.write_bytes(text)
    return file


def test_at_most_three_in_their_order(tmp_path: Path) -> None:
    lines = b"search a.test\n# x\n" + b"".join(b"nameserver 192.0.2.%d\n" % n for n in range(1, 6))
    found = system_servers(written(tmp_path, lines))
    assert found == tuple(NameServer(f"192.0.2.{n}") for n in (1, 2, 3))


def test_addresses_of_both_families(tmp_path: Path) -> None:
    file = written(tmp_path, b"nameserver ::1\nnameserver fe80::1%lo\n")
    assert [server.address for server in system_servers(file)] == ["::1", "fe80::1%lo"]


@pytest.mark.parametrize("text", [b"", b"search a.test\n", b"nameserver here\n", b"\xff\xfe\x00"])
def test_none_that_is_usable_is_said(tmp_path: Path, text: bytes) -> None:
    file = written(tmp_path, text)
    with pytest.raises(DnsError, match="no usable name server") as caught:
        system_servers(file)
    assert caught.value.status is DnsStatus.UNREACHABLE
    assert caught.value.where == str(file)


def test_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(DnsError, match="Set one in its network settings"):
        system_servers(tmp_path / "none")
