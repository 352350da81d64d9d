"""asyncssh's errors as ours: what failed, where, and what to do about it."""

from __future__ import annotations

import os
import socket

import asyncssh

from smtpadmin.model.errors import (
    LoginError,
    ProtocolError,
    SmtpadminError,
    TotalDeadlineError,
    UnreachableError,
    UsageError,
)
from smtpadmin.util.text import visible

MOST_WHY = 200


def as_ours(error: BaseException, where: str, *, via: str = "") -> SmtpadminError:
    """The error that people are told, for one of asyncssh or the system. ``via`` names the jump
    host through which ``where`` was tried."""
    if isinstance(error, SmtpadminError):
        return error
    for kinds, make in _MAKERS:
        if isinstance(error, kinds):
            return make(error, where, via)
    return UnreachableError(
        f"the connection failed ({why(error)})", where=where, remedy="Try again."
    )


def why(error: BaseException) -> str:
    """The short reason in an error, safe to show."""
    if isinstance(error, socket.gaierror):
        return visible(error.strerror or "no such name", MOST_WHY)
    number = getattr(error, "errno", None)
    if isinstance(number, int) and number > 0:
        return os.strerror(number)
    return visible(str(error) or type(error).__name__, MOST_WHY)


def _no_such_host(error: BaseException, where: str, via: str) -> SmtpadminError:
    return UnreachableError(
        f"there is no such host ({why(error)})",
        where=where,
        remedy="Check the name, and ~/.ssh/config if it is an alias.",
    )


def _refused(error: BaseException, where: str, via: str) -> SmtpadminError:
    return UnreachableError(
        "the connection was refused: nothing listens on that port",
        where=where,
        remedy="Check host and port, and that sshd runs.",
    )


def _slow(error: BaseException, where: str, via: str) -> SmtpadminError:
    return TotalDeadlineError(
        "no SSH session in time",
        where=where,
        remedy="Check host, port and firewall; a port that is silent may not be SSH.",
    )


def _denied(error: BaseException, where: str, via: str) -> SmtpadminError:
    return LoginError(
        "the server refused the login",
        where=where,
        remedy="Check user, key and password; the server's log says more.",
    )


def _not_ssh(error: BaseException, where: str, via: str) -> SmtpadminError:
    return ProtocolError(
        f"this is not an SSH server, or a broken one ({why(error)})",
        where=where,
        remedy="Check the port: SSH is usually 22.",
    )


def _no_common_way(error: BaseException, where: str, via: str) -> SmtpadminError:
    return ProtocolError(
        f"no encryption or key type in common ({why(error)})",
        where=where,
        remedy="Update the server, or allow its algorithms in ~/.ssh/config.",
    )


def _not_forwarded(error: BaseException, where: str, via: str) -> SmtpadminError:
    passed = f"{via} could not connect to it" if via else "the server opened no channel"
    return UnreachableError(
        f"{passed} ({why(error)})",
        where=where,
        remedy="Check the address as seen from the jump host, and its AllowTcpForwarding."
        if via
        else "Try again; the server may limit sessions (MaxSessions).",
    )


def _broken(error: BaseException, where: str, via: str) -> SmtpadminError:
    return UnreachableError(
        f"the connection broke ({why(error)})", where=where, remedy="Try again."
    )


def _key(error: BaseException, where: str, via: str) -> SmtpadminError:
    encrypted = "passphrase" in str(error).lower() or isinstance(error, asyncssh.KeyEncryptionError)
    return LoginError(
        f"the key cannot be used ({why(error)})",
        where=where,
        remedy="Give the key's passphrase, or load the key into ssh-agent."
        if encrypted
        else "Check that the file is a private key.",
    )


def _config(error: BaseException, where: str, via: str) -> SmtpadminError:
    return UsageError(
        f"the SSH configuration cannot be used ({why(error)})",
        where=where,
        remedy="Correct ~/.ssh/config.",
    )


def _system(error: BaseException, where: str, via: str) -> SmtpadminError:
    return UnreachableError(
        f"cannot connect ({why(error)})", where=where, remedy="Check host, port and network."
    )


_MAKERS = (
    ((socket.gaierror,), _no_such_host),
    ((ConnectionRefusedError,), _refused),
    ((TimeoutError,), _slow),
    ((asyncssh.PermissionDenied,), _denied),
    ((asyncssh.KeyImportError, asyncssh.KeyEncryptionError), _key),
    ((asyncssh.ConfigParseError,), _config),
    ((asyncssh.KeyExchangeFailed,), _no_common_way),
    ((asyncssh.ProtocolError, asyncssh.ProtocolNotSupported), _not_ssh),
    ((asyncssh.ChannelOpenError,), _not_forwarded),
    ((asyncssh.ConnectionLost, asyncssh.DisconnectError), _broken),
    ((OSError,), _system),
    ((ValueError,), _config),
)
"""The first that fits makes the error, so the narrow ones stand before the wide ones."""
