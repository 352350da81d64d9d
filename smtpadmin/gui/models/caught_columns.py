"""The columns of the catch server's table."""

from __future__ import annotations

from smtpadmin.gui.models.table_column import TableColumn
from smtpadmin.gui.time_format import TIMES, octets
from smtpadmin.services.caught import Caught, Outcome, last_words, verdict_of

_LOOK = {
    Outcome.ACCEPTED: ("ok", "check"),
    Outcome.REFUSED: ("err", "error"),
    Outcome.NO_MESSAGE: ("warn", "warning"),
}


def _sender(row: Caught) -> str:
    return "" if row.message is None else row.message.sender or "<>"


def _recipients(row: Caught) -> str:
    to = row.message.recipients if row.message is not None else ()
    if not to:
        return ""
    return to[0] if len(to) == 1 else f"{to[0]}  +{len(to) - 1} more"


def _subject(row: Caught) -> str:
    if row.session is not None:
        return last_words(row.session)
    return (row.message.subject if row.message is not None else "") or ""


def _all_recipients(row: Caught) -> str:
    return "\n".join(row.message.recipients[:50]) if row.message is not None else ""


def _size(row: Caught) -> str:
    return octets(row.message.size) if row.message is not None else ""


CAUGHT_TABLE: tuple[TableColumn[Caught], ...] = (
    TableColumn("time", "Time", 9, lambda r: TIMES.time(r.time), lambda r: TIMES.full(r.time)),
    TableColumn(
        "outcome", "Result", 15, lambda r: r.outcome.value, pill=True, term="state",
        tone=lambda r: _LOOK[r.outcome][0], icon=lambda r: _LOOK[r.outcome][1],
    ),
    TableColumn("sender", "From", 16, _sender, term="from",
                value=lambda r: r.message.sender if r.message else ""),
    TableColumn("recipient", "To", 16, _recipients, _all_recipients, term="to",
                value=lambda r: r.message.recipients[0] if r.message and r.message.recipients else ""),
    TableColumn("subject", "Subject", 18, _subject, stretch=True),
    TableColumn("checks", "Checks", 14, lambda r: verdict_of(r.checks)[0],
                tone=lambda r: verdict_of(r.checks)[1]),
    TableColumn("size", "Size", 6, _size, right=True),
    TableColumn("client", "Client", 10, lambda r: r.client, muted=True),
    TableColumn("tls", "TLS", 6, lambda r: r.tls or "none", muted=True),
    TableColumn("id", "ID", 14, lambda r: r.key, hidden=True, mono=True),
)  # fmt: skip
