"""A test that can be repeated and given away: what to send, and how. No secret stands in it, by type:
passwords, tokens and private keys are asked for or read where it runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from smtpadmin.model.smtp_plan import SendPlan


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file by its path. ``kind`` is its media type, ``name`` what the message calls it; both may
    be empty."""

    path: str
    kind: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class DkimKey:
    """Whose key signs the message (RFC 6376); ``key_file`` is a PEM file."""

    domain: str
    selector: str
    key_file: str


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent. ``sender`` is empty for the null sender. ``headers`` are added, ``replaced`` take
    the place of those that smtpadmin would write. ``pictures`` are shown inside the HTML (their
    ``name`` is the Content-ID). ``raw_file`` sends that file as it is instead (``-``: standard
    input), with tokens filled in only with ``raw_tokens``. ``payload`` names a scanner test,
    ``size`` is the least number of octets, ``line_length`` adds one line of that many octets."""

    sender: str = ""
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    subject: str = "smtpadmin test"
    text: str = "This is a test message of smtpadmin."
    html: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    replaced: tuple[tuple[str, str], ...] = ()
    attachments: tuple[FileRef, ...] = ()
    pictures: tuple[FileRef, ...] = ()
    raw_file: str = ""
    raw_tokens: bool = False
    payload: str = ""
    size: int = 0
    line_length: int = 0
    eight_bit: bool = False
    dkim: DkimKey | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """One test."""

    letter: Letter = Letter()
    plan: SendPlan = field(default_factory=SendPlan)
