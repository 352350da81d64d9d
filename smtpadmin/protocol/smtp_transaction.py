"""MAIL, RCPT and the message as steps of a dialogue: DATA or BDAT, one command after the other or
pipelined, one reply for all recipients or one for each (LMTP, PRDR).

RFC 5321 section 3.3, RFC 2033 section 4.2, RFC 2920, RFC 3030, draft-hall-prdr.
"""

from __future__ import annotations

from smtpadmin.model.errors import ServerRefusedError
from smtpadmin.model.smtp import Envelope, RecipientReply, Reply, Stage
from smtpadmin.model.smtp_plan import Dialect, SendPlan, StopPoint
from smtpadmin.protocol.smtp_commands import chunks, mail_from, rcpt_to, stuffed, unescaped
from smtpadmin.protocol.smtp_outputs import Kind, Note
from smtpadmin.protocol.smtp_talk import REPLY, Steps, Talk

END = b".\r\n"
PRDR_FOLLOWS = 353


class Transaction:
    """One message. ``recipients`` holds the reply that counts for each: the one to RCPT, and with
    LMTP or PRDR, for those accepted there, the one after the message."""

    def __init__(self, talk: Talk, plan: SendPlan, envelope: Envelope) -> None:
        self.recipients: list[RecipientReply] = []
        self._talk = talk
        self._plan = plan
        self._mail = envelope

    def run(self) -> Steps[None]:
        """All of it. Raises ServerRefusedError when nobody gets the message."""
        if self._plan.transfer.pipelining:
            yield from self._pipelined_envelope()
        else:
            yield from self._envelope()
        yield from self._message()
        yield from self._talk.reached(StopPoint.DOT)

    # The envelope.

    def _envelope(self) -> Steps[None]:
        talk = self._talk
        yield from talk.enter(Stage.MAIL)
        line = yield from self._mail_line()
        yield from self._mail_taken((yield from talk.command(line, StopPoint.MAIL)))
        yield from talk.reached(StopPoint.MAIL)
        yield from talk.enter(Stage.RCPT)
        for number, recipient in enumerate(self._mail.recipients):
            yield from talk.say(
                rcpt_to(recipient, self._plan.envelope), None if number else StopPoint.RCPT
            )
            yield from self._recipient(recipient)
        self._somebody()
        yield from talk.reached(StopPoint.RCPT)
        if not self._plan.transfer.chunk:
            yield from talk.enter(Stage.DATA)
            yield from talk.say(b"DATA\r\n", StopPoint.DATA)
            yield from self._data_taken()

    def _pipelined_envelope(self) -> Steps[None]:
        """MAIL, every RCPT and DATA in one segment; DATA is held back when the session is to stop
        before it."""
        talk, options = self._talk, self._plan.envelope
        if "PIPELINING" not in talk.extensions:
            yield Note("(the server does not offer PIPELINING)")
        yield from talk.enter(Stage.MAIL)
        stop = self._plan.stop
        early = stop is not None and stop.at in (StopPoint.MAIL, StopPoint.RCPT)
        with_data = not early and not self._plan.transfer.chunk
        lines = [(yield from self._mail_line())]
        lines += [rcpt_to(recipient, options) for recipient in self._mail.recipients]
        lines += [b"DATA\r\n"] if with_data else []
        yield from talk.say(b"".join(lines), stop.at if stop else None)
        reply = yield from talk.answer()
        if reply.code == 250:
            yield from talk.reached(StopPoint.MAIL)
        yield from self._rest_of_pipeline(reply, with_data=with_data)

    def _rest_of_pipeline(self, mail: Reply, *, with_data: bool) -> Steps[None]:
        """Every command has its reply, also those that could not succeed any more."""
        talk = self._talk
        if mail.code == 250:
            yield from talk.enter(Stage.RCPT)
        for recipient in self._mail.recipients:
            yield from self._recipient(recipient)
        nobody = mail.code != 250 or not self._accepted()
        if with_data and nobody:
            data = yield from talk.answer()
            if data.code == 354:
                # Nobody is to get it, but the server waits: an empty message (RFC 2920 section 3.1).
                yield from talk.say(END, kind=Kind.BODY, last=True)
                yield from talk.answer()
        if mail.code != 250:
            raise talk.refused(mail)
        self._somebody()
        yield from talk.reached(StopPoint.RCPT)
        if with_data:
            yield from talk.enter(Stage.DATA)
            yield from self._data_taken()

    def _mail_line(self) -> Steps[bytes]:
        options, offered = self._plan.envelope, self._talk.extensions
        parameters = []
        if self._needs_utf8():
            parameters.append("SMTPUTF8")
        size = len(self._mail.raw) if options.size == -1 else options.size
        if size >= 0 and (options.size >= 0 or "SIZE" in offered):
            parameters.append(f"SIZE={size}")
        body = options.body or ("" if self._mail.raw.isascii() else "8BITMIME")
        if body not in ("", "none") and (options.body or "8BITMIME" in offered):
            parameters.append(f"BODY={body}")
        for name in self._not_offered(body if options.body else ""):
            yield Note(f"(the server does not offer {name})")
        return mail_from(self._mail.sender, options, parameters)

    def _not_offered(self, body: str) -> list[str]:
        options = self._plan.envelope
        dsn = options.ret or options.envid or options.notify or options.orcpt
        wanted = {
            "SMTPUTF8": options.utf8,
            "SIZE": options.size >= 0,
            "BINARYMIME": body == "BINARYMIME",
            "8BITMIME": body == "8BITMIME",
            "DSN": bool(dsn),
            "REQUIRETLS": options.require_tls,
            "PRDR": options.prdr,
            "CHUNKING": self._plan.transfer.chunk > 0,
        }
        return [
            name for name, asked in wanted.items() if asked and name not in self._talk.extensions
        ]

    def _needs_utf8(self) -> bool:
        if self._plan.envelope.utf8:
            return True
        addresses = (self._mail.sender, *self._mail.recipients)
        if all(address.isascii() for address in addresses):
            return False
        if "SMTPUTF8" not in self._talk.extensions:
            raise ServerRefusedError(
                "the server does not offer SMTPUTF8, which an address beyond ASCII needs",
                where=self._talk.where,
                remedy="Use an address in ASCII.",
            )
        return True

    def _mail_taken(self, reply: Reply) -> Steps[None]:
        if reply.code != 250:
            raise self._talk.refused(reply)
        yield from ()

    def _recipient(self, recipient: str) -> Steps[None]:
        reply = yield REPLY
        assert isinstance(reply, Reply)
        self.recipients.append(RecipientReply(recipient, reply))
        if reply.code == 421:
            raise self._talk.refused(reply)

    def _accepted(self) -> list[int]:
        return [n for n, found in enumerate(self.recipients) if found.reply.code // 100 == 2]

    def _somebody(self) -> None:
        if not self._accepted():
            raise self._talk.refused(self.recipients[0].reply)

    def _data_taken(self) -> Steps[None]:
        reply = yield from self._talk.answer()
        if reply.code != 354:
            raise self._talk.refused(reply)
        yield from self._talk.reached(StopPoint.DATA)

    # The message.

    def _message(self) -> Steps[None]:
        if self._plan.transfer.chunk:
            yield from self._chunks()
        else:
            yield from self._talk.enter(Stage.DOT)
            yield from self._talk.say(self._octets(), StopPoint.DOT, Kind.BODY, last=True)
        if self._plan.dialect is Dialect.LMTP:
            yield from self._reply_for_each()
        else:
            yield from self._reply_for_all()

    def _octets(self) -> bytes:
        transfer, raw = self._plan.transfer, self._mail.raw
        if transfer.raw:
            return raw + unescaped(transfer.end)
        return stuffed(raw) + (unescaped(transfer.end) if transfer.end else END)

    def _chunks(self) -> Steps[None]:
        """RFC 3030 section 2: each chunk has its reply; those before the last are read here."""
        talk = self._talk
        pieces = list(chunks(self._mail.raw, self._plan.transfer.chunk))
        for piece, last in pieces:
            yield from talk.enter(Stage.DOT if last else Stage.DATA, "bdat")
            yield from talk.say(f"BDAT {len(piece)}{' LAST' if last else ''}\r\n".encode())
            point = StopPoint.DOT if last else StopPoint.DATA
            yield from talk.say(piece, point, Kind.BODY, last=True)
            if not last and not self._plan.transfer.pipelining:
                yield from self._chunk_taken()
        if self._plan.transfer.pipelining:
            for _ in pieces[:-1]:
                yield from self._chunk_taken()

    def _chunk_taken(self) -> Steps[None]:
        reply = yield from self._talk.answer()
        if reply.code != 250:
            raise self._talk.refused(reply)
        yield from self._talk.reached(StopPoint.DATA)

    def _reply_for_all(self) -> Steps[None]:
        reply = yield from self._talk.answer()
        if reply.code == PRDR_FOLLOWS and self._plan.envelope.prdr:
            self._talk.detail = "prdr"
            yield from self._each_reply()
            reply = yield from self._talk.answer()
        if reply.code // 100 != 2:
            raise self._talk.refused(reply)
        self._talk.reply = reply

    def _reply_for_each(self) -> Steps[None]:
        yield from self._each_reply()
        replies = [found.reply for found in self.recipients]
        taken = [reply for reply in replies if reply.code // 100 == 2]
        if not taken:
            raise self._talk.refused(replies[0])
        self._talk.reply = taken[0]

    def _each_reply(self) -> Steps[None]:
        for number in self._accepted():
            reply = yield from self._talk.answer()
            self.recipients[number] = RecipientReply(self.recipients[number].address, reply)
