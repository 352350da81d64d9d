"""Looks for one message in all folders of an IMAP mailbox (RFC 9051), and changes nothing in it.

imap-tools is blocking: each search is one connection in a thread of its own, with a time limit for
every wait and one for all. Folders are only examined; the message stays unread.
"""

from __future__ import annotations

import imaplib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from smtpadmin.model.errors import ProtocolError
from smtpadmin.model.mailbox import Arrival, MailboxAccount
from smtpadmin.model.profile import TlsMode
from smtpadmin.transport.mailbox_common import (
    MOST_OCTETS,
    Wanted,
    check_account,
    check_certificate,
    searchable_id,
    worded,
)
from smtpadmin.transport.tls import client_context
from smtpadmin.util.tasks import run_blocking_for

if TYPE_CHECKING:
    from imap_tools import BaseMailBox, FolderInfo

STEP_S = 15.0
MOST_FOLDERS = 200
MOST_CANDIDATES = 50
_JUNK = re.compile(
    r"junk|spam|bulk|unerwünscht|indésirable|no deseado|indesiderata|lixo|ongewenst", re.I
)
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
_FLAGS = re.compile(rb"FLAGS \(([^)]*)\)")


async def find_by_imap(
    account: MailboxAccount, message_id: str, deadline_s: float, *, report: bool = False
) -> Arrival | None:
    """The message with that Message-ID, or the ``report`` about it, wherever it lies; INBOX is looked
    at first, then junk. Raises LoginError, UntrustedError, UnreachableError, ProtocolError,
    TotalDeadlineError."""
    check_account(account)
    wanted = Wanted(searchable_id(message_id), report)
    return await run_blocking_for(deadline_s, _find, account, wanted, min(STEP_S, deadline_s))


def _find(account: MailboxAccount, wanted: Wanted, step_s: float) -> Arrival | None:
    from imap_tools import ImapToolsError, MailboxLoginError

    with worded(account, (imaplib.IMAP4.error, ImapToolsError), (MailboxLoginError,)):
        return _search(account, wanted, step_s)


def _search(account: MailboxAccount, wanted: Wanted, step_s: float) -> Arrival | None:
    mailbox = _connected(account, step_s)
    try:
        check_certificate(mailbox.client.sock, account)
        if account.password.isascii() and account.user.isascii():
            mailbox.login(account.user, account.password, initial_folder=None)
        else:
            mailbox.login_utf8(account.user, account.password, initial_folder=None)
        folders = _ordered(mailbox.folder.list())
        if not folders:
            raise ProtocolError("the mailbox lists no folders", where=account.where)
        for folder in folders[:MOST_FOLDERS]:
            found = _in_folder(mailbox, folder, wanted)
            if found is not None:
                return found
        return None
    finally:
        _leave(mailbox)


def _connected(account: MailboxAccount, step_s: float) -> BaseMailBox:
    from imap_tools import MailBox, MailBoxUnencrypted

    context = client_context(ca_file=account.ca_file, fingerprint=account.fingerprint)
    if account.tls is TlsMode.IMPLICIT:
        return MailBox(account.host, account.port, timeout=step_s, ssl_context=context)
    mailbox = MailBoxUnencrypted(account.host, account.port, timeout=step_s)
    if account.tls is TlsMode.STARTTLS:
        try:
            mailbox.client.starttls(context)
        except BaseException:
            mailbox.client.shutdown()
            raise
    return mailbox


def _leave(mailbox: BaseMailBox) -> None:
    """Without a goodbye where the connection is broken: the answer, or the error, is known."""
    try:
        mailbox.client.logout()
    except (imaplib.IMAP4.error, OSError, ValueError):
        mailbox.client.shutdown()


def _ordered(folders: Sequence[FolderInfo]) -> list[FolderInfo]:
    """Where new mail lies comes first; folders that hold none are left out."""
    real = [f for f in folders if "\\noselect" not in {flag.lower() for flag in f.flags}]
    return sorted(real, key=lambda f: (f.name.upper() != "INBOX", not is_junk(f)))


def is_junk(folder: FolderInfo) -> bool:
    """By its special use (RFC 6154), else by its name."""
    return "\\junk" in {flag.lower() for flag in folder.flags} or bool(_JUNK.search(folder.name))


def _in_folder(mailbox: BaseMailBox, folder: FolderInfo, wanted: Wanted) -> Arrival | None:
    from imap_tools import MailboxFolderSelectError

    try:
        mailbox.folder.set(folder.name, readonly=True)
    except MailboxFolderSelectError:
        if folder.name.upper() == "INBOX":
            raise
        return None  # listed, and not for this user to open
    quoted = f'"{wanted.message_id}"'
    keys = ("TEXT", quoted) if wanted.report else ("HEADER", "Message-ID", quoted)
    status, data = mailbox.client.uid("SEARCH", *keys)
    uids = (data[0] or b"").split() if status == "OK" and data else []
    uid = _exact(mailbox, uids[-MOST_CANDIDATES:], wanted)
    if uid is None:
        return None
    facts = _fetched(mailbox, uid, "(RFC822.SIZE FLAGS INTERNALDATE)")
    line = b" ".join(
        part for item in facts for part in (item if isinstance(item, tuple) else (item,))
    )
    size = _SIZE.search(line)
    if size is not None and int(size[1]) > MOST_OCTETS:
        raise ProtocolError(f"the message has {int(size[1])} octets, too many to fetch")
    parts = _fetched(mailbox, uid, "(BODY.PEEK[])")
    raw = next((item[1] for item in parts if isinstance(item, tuple) and len(item) > 1), None)
    if raw is None:
        return None  # it was removed between search and fetch
    flags = _FLAGS.search(line)
    return Arrival(
        folder.name, uid, bytes(raw), datetime.now(UTC), _internal_date(line),
        tuple(flags[1].decode("ascii", "replace").split()) if flags else (), is_junk(folder),
    )  # fmt: skip


def _exact(mailbox: BaseMailBox, uids: Sequence[bytes], wanted: Wanted) -> str | None:
    """The newest that is the wanted one: the search of IMAP finds all that contain the ID."""
    part = "BODY.PEEK[]<0.65536>" if wanted.report else "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"
    for each in reversed(uids):
        uid = each.decode("ascii", "replace")
        if not uid.isdecimal():
            raise ProtocolError(f"{uid[:20]!r} is no UID")
        parts = _fetched(mailbox, uid, f"({part})")
        head = next((bytes(item[1]) for item in parts if isinstance(item, tuple)), b"")
        if wanted.is_in(head):
            return uid
    return None


def _fetched(mailbox: BaseMailBox, uid: str, what: str) -> list[Any]:
    status, data = mailbox.client.uid("FETCH", uid, what)
    return [item for item in data if item] if status == "OK" else []


def _internal_date(line: bytes) -> datetime | None:
    found = re.search(rb'INTERNALDATE "([^"]{1,40})"', line)
    if found is None:
        return None
    try:
        return datetime.strptime(found[1].decode("ascii").strip(), "%d-%b-%Y %H:%M:%S %z")
    except ValueError:
        return None
