"""What reading a mailbox by IMAP and by POP3 have in common: what may be sent, what is looked for,
and what the libraries raise, as our errors."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from smtpadmin.formats.bounce import read_report
from smtpadmin.formats.header_fields import split_header
from smtpadmin.model.errors import (
    LoginError,
    ProtocolError,
    SmtpadminError,
    UnreachableError,
    UntrustedError,
    UsageError,
)
from smtpadmin.model.mailbox import MailboxAccount
from smtpadmin.transport.tls import check_pin
from smtpadmin.util.text import visible

MOST_OCTETS = 50 * 1024 * 1024
"""A larger message is not fetched."""
_ID = re.compile(r"[!#-\[\]-~]{1,990}")
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: the message with this Message-ID (without brackets), or the ``report``
    (bounce, delivery status) about it."""

    message_id: str
    report: bool = False

    def is_in(self, octets: bytes) -> bool:
        """Whether a message is the wanted one: for a report its text is needed, else its header."""
        if not self.report:
            return message_id_of(octets) == self.message_id
        found = read_report(octets)
        about = (found.message_id or "").removeprefix("<").removesuffix(">")
        return found.kind in ("dsn", "bounce") and about == self.message_id


def searchable_id(message_id: str) -> str:
    """A Message-ID without its brackets, fit for a command. Raises UsageError."""
    bare = message_id.strip().removeprefix("<").removesuffix(">")
    if not _ID.fullmatch(bare):
        raise UsageError("this is no Message-ID to search for", where=visible(message_id, 80))
    return bare


def message_id_of(head: bytes) -> str:
    """The Message-ID in a header, without its brackets."""
    headers, _ = split_header(head)
    value = next((h.value for h in headers if h.name.lower() == "message-id"), "")
    return value.strip().removeprefix("<").removesuffix(">")


def check_account(account: MailboxAccount) -> None:
    """Raise UsageError for a user or password that would end a command early."""
    for name, text in (("user", account.user), ("password", account.password)):
        if not text or any(ord(character) < 32 or ord(character) == 127 for character in text):
            raise UsageError(
                f"the {name} is empty or holds control characters", where=account.where
            )


def check_certificate(socket: object, account: MailboxAccount) -> None:
    """With an accepted fingerprint: it must be that certificate. Raises UntrustedError."""
    if account.fingerprint and isinstance(socket, ssl.SSLSocket):
        check_pin(socket.getpeercert(binary_form=True), account.fingerprint, account.where)


@contextmanager
def worded(
    account: MailboxAccount,
    refused: tuple[type[Exception], ...],
    login: tuple[type[Exception], ...] = (),
) -> Iterator[None]:
    """Raise our errors for the library's: ``login`` are its classes for a refused login, ``refused``
    its classes for everything that the server says against the protocol or our wish."""
    try:
        yield
    except SmtpadminError:
        raise
    except login as error:
        if "[UNAVAILABLE]" in str(error):  # RFC 5530: the password may be right
            raise UnreachableError(
                f"logins are not possible now ({_said(error)})", where=account.where
            ) from error
        raise LoginError(
            "the mailbox refused the login", where=account.where,
            remedy="Check user and password.", detail=_said(error),
        ) from error  # fmt: skip
    except ssl.SSLCertVerificationError as error:
        raise UntrustedError(
            f"the certificate is not trusted ({error.verify_message})", where=account.where,
            remedy="Give its CA file, or its fingerprint.",
        ) from error  # fmt: skip
    except (ssl.SSLError, EOFError) as error:
        raise ProtocolError(
            f"the connection broke ({_said(error)})", where=account.where
        ) from error
    except OSError as error:
        raise UnreachableError(
            f"cannot be reached ({error.strerror or _said(error)})", where=account.where,
            remedy="Check host and port.",
        ) from error  # fmt: skip
    except refused as error:
        raise ProtocolError(f"the mailbox answered: {_said(error)}", where=account.where) from error
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        # What the libraries do with an answer that is none.
        raise ProtocolError(
            f"an answer that is none ({_said(error)})", where=account.where
        ) from error


def _said(error: BaseException) -> str:
    return visible(str(error) or type(error).__name__, _SHOWN)
