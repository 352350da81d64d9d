"""Each failure as a type and a sentence of ours, nothing of a server's unsafe to show."""

from __future__ import annotations

import errno
import socket

import asyncssh
import pytest

from smtpadmin.model.errors import (
    LoginError,
    ProtocolError,
    SmtpadminError,
    TotalDeadlineError,
    UnreachableError,
    UsageError,
)
from smtpadmin.transport.ssh_errors import as_ours, why


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (socket.gaierror(-2, "Name or service not known"), UnreachableError, "no such host"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), UnreachableError, "nothing listens"),
        (TimeoutError(), TotalDeadlineError, "in time"),
        (asyncssh.PermissionDenied("no"), LoginError, "refused the login"),
        (asyncssh.KeyImportError("Passphrase must be given"), LoginError, "passphrase"),
        (asyncssh.KeyEncryptionError("Unable to decrypt"), LoginError, "passphrase"),
        (asyncssh.ConfigParseError("line 3"), UsageError, "~/.ssh/config"),
        (asyncssh.KeyExchangeFailed("No match"), ProtocolError, "in common"),
        (asyncssh.ProtocolError("Too many"), ProtocolError, "not an SSH server"),
        (asyncssh.ConnectionLost("gone"), UnreachableError, "broke"),
        (asyncssh.ChannelOpenError(2, "open failed"), UnreachableError, "MaxSessions"),
        (OSError(errno.ENETUNREACH, "x"), UnreachableError, "Network is unreachable"),
        (ZeroDivisionError("x"), UnreachableError, "the connection failed"),
    ],
)
def test_every_error_is_worded(error: Exception, kind: type[SmtpadminError], words: str) -> None:
    ours = as_ours(error, "ssh mx1")
    assert type(ours) is kind
    assert ours.where == "ssh mx1"
    assert words in str(ours)
    assert ours.remedy


def test_a_forward_that_failed_names_the_jump_host() -> None:
    ours = as_ours(asyncssh.ChannelOpenError(2, "Connection refused"), "ssh mx1", via="bastion")
    assert "bastion could not connect to it (Connection refused)" in ours.what


def test_ours_stay_as_they_are() -> None:
    ours = LoginError("no")
    assert as_ours(ours, "elsewhere") is ours


def test_words_of_a_server_are_made_safe() -> None:
    assert "\x1b" not in why(asyncssh.ConnectionLost("\x1b[2J" + "x" * 10_000))
    assert len(why(asyncssh.ConnectionLost("x" * 10_000))) < 300
