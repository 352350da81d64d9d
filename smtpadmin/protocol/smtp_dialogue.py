"""One client session, from the first octet to QUIT, for everything a plan can ask. Sans-I/O.

Events go in (octets, TLS is up, the end of the connection); what is to be done comes out
(:mod:`smtp_outputs`). Nothing is raised for what a server does: ``error`` says how it ended. The
driver keeps the deadlines. RFC 5321, RFC 2033 (LMTP), RFC 3207 (STARTTLS), Postfix's XCLIENT_README.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from smtpadmin.model.errors import (
    LoginError,
    ProtocolError,
    ServerRefusedError,
    SmtpadminError,
    UsageError,
)
from smtpadmin.model.smtp import Envelope, RecipientReply, Reply, Stage
from smtpadmin.model.smtp_plan import Dialect, SendPlan, StopPoint, TlsUse
from smtpadmin.protocol.proxy_header import proxy_header
from smtpadmin.protocol.sasl import Credentials
from smtpadmin.protocol.smtp_commands import command
from smtpadmin.protocol.smtp_failures import closed
from smtpadmin.protocol.smtp_login import log_in
from smtpadmin.protocol.smtp_outputs import HangUp, Kind, Note, Output
from smtpadmin.protocol.smtp_talk import CLOSING, REPLY, Bindings, Steps, StoppedEarly, Talk, Wait
from smtpadmin.protocol.smtp_transaction import Transaction

MOST_EXTENSIONS = 200
UNKNOWN_COMMAND = (500, 502, 504)


class SmtpDialogue:
    """``secret`` is the password or token; ``own_name`` what EHLO says when the plan does not.
    ``envelope`` is None for a session without a message; ``blot`` takes secrets out of what the
    server says. ``stage``, ``detail``, ``reply``, ``recipients``,
    ``extensions`` and ``error`` tell what is known; ``ended`` that nothing more will come."""

    def __init__(
        self,
        plan: SendPlan,
        envelope: Envelope | None,
        *,
        secret: str = "",
        own_name: str = "localhost",
        where: str = "",
        blot: Callable[[str], str] = lambda text: text,
    ) -> None:
        self.plan = plan
        self.talk = Talk(where, plan.stop, blot)
        self.error: SmtpadminError | None = None
        self.accepted = False
        self.ended = False
        self.leaving = False
        self._last: tuple[Stage, str, Reply | None] | None = None
        self._envelope = envelope
        self._secret = secret
        self._helo = plan.helo or own_name
        self._bindings: Mapping[str, bytes] = {}
        self._transaction: Transaction | None = None
        self._steps: Steps[None] = self._session()
        self._wait: Wait | None = None

    @property
    def recipients(self) -> list[RecipientReply]:
        """The reply that counts for each recipient asked for so far."""
        return self._transaction.recipients if self._transaction else []

    @property
    def stage(self) -> Stage:
        """Where the session is; at its end, where it ended (never QUIT)."""
        return self._last[0] if self._last else self.talk.stage

    @property
    def detail(self) -> str:
        """``proxy``, ``xclient``, ``prdr`` or ``bdat`` where the stage alone does not say it."""
        return self._last[1] if self._last else self.talk.detail

    @property
    def reply(self) -> Reply | None:
        """The reply that decided."""
        return self._last[2] if self._last else self.talk.reply

    # Events.

    def begin(self) -> list[Output]:
        """The connection is there."""
        return self._go(None)

    def received(self, octets: bytes) -> list[Output]:
        """The server has said something."""
        if self.ended:
            return []
        try:
            self.talk.take(octets)
        except ProtocolError as error:
            # What came before the nonsense still counts: it may have accepted the message.
            return self._go(None) + self._fail(error)
        return self._go(None)

    def encrypted(self, bindings: Bindings) -> list[Output]:
        """The handshake is done."""
        return self._go(bindings)

    def hung_up(self) -> list[Output]:
        """The server has closed the connection."""
        halfway = self.talk.reader.halfway
        return self._fail(closed(self.talk.stage, self.talk.where, halfway=halfway))

    def _go(self, bindings: Bindings | None) -> list[Output]:
        outputs: list[Output] = []
        while not self.ended:
            answer: Reply | Bindings | None = None
            if self._wait is Wait.REPLY:
                if not self.talk.replies:
                    break
                answer = self.talk.replies.popleft()
            elif self._wait is Wait.TLS:
                if bindings is None:
                    break
                answer, bindings = bindings, None
            self._wait = None
            try:
                item = self._steps.send(answer)
            except StopIteration:
                self.ended = True
                break
            if isinstance(item, Wait):
                self._wait = item
            else:
                outputs.append(item)
        return outputs

    def _fail(self, error: SmtpadminError) -> list[Output]:
        if self.ended:
            return []
        self.ended = True
        self._steps.close()
        if not self.leaving:
            is_odd = isinstance(error, ProtocolError)
            self.error = self.talk.malformed(error.what) if is_odd else error
        return [HangUp()]

    # The session.

    def _session(self) -> Steps[None]:
        goodbye = True
        try:
            yield from self._all_steps()
        except StoppedEarly as stop:
            goodbye = stop.quit
        except SmtpadminError as error:
            self.error = error
            goodbye = self._may_say_goodbye(error)
        self.leaving = True
        self._last = self.talk.stage, self.talk.detail, self.talk.reply
        if goodbye:
            yield from self._quit()
        yield HangUp()

    def _may_say_goodbye(self, error: SmtpadminError) -> bool:
        """Not after 421, nor where the server waits for something else than a command."""
        reply = self.talk.reply
        if reply is None:
            return isinstance(error, ServerRefusedError)
        return reply.code != CLOSING and isinstance(error, ServerRefusedError | LoginError)

    def _all_steps(self) -> Steps[None]:
        plan, talk = self.plan, self.talk
        self._check_stop()
        yield from self._proxy()
        if plan.tls.use is TlsUse.IMPLICIT:
            self._bindings = yield from talk.start_tls()
            yield from talk.reached(StopPoint.TLS)
        yield from self._greeting()
        yield from self._hello(StopPoint.FIRST_EHLO)
        if plan.xclient.before_tls:
            yield from self._xclient()
        if plan.tls.use in (TlsUse.STARTTLS, TlsUse.OPTIONAL):
            yield from self._start_tls()
        if not plan.xclient.before_tls:
            yield from self._xclient()
        yield from talk.reached(StopPoint.EHLO)
        if plan.login.user or plan.login.mechanisms:
            yield from log_in(talk, plan.login, self._credentials())
        yield from talk.reached(StopPoint.AUTH)
        if self._envelope is not None:
            self._transaction = Transaction(talk, plan, self._envelope)
            yield from self._transaction.run()
            self.accepted = True

    def _check_stop(self) -> None:
        """A stop point that never comes would let the message out."""
        plan = self.plan
        there = {
            StopPoint.PROXY: plan.proxy.version > 0,
            StopPoint.TLS: plan.tls.use is not TlsUse.NONE,
            StopPoint.XCLIENT: bool(plan.xclient.commands),
            StopPoint.AUTH: bool(plan.login.user or plan.login.mechanisms),
            StopPoint.DATA: not plan.transfer.chunk
            or self._envelope is None
            or len(self._envelope.raw) > plan.transfer.chunk,
        }
        if plan.stop is not None and not there.get(plan.stop.at, True):
            raise UsageError(
                f"this session has no step {plan.stop.at.value!r} to stop after",
                remedy="Choose another one, or ask for that step.",
            )

    def _credentials(self) -> Credentials:
        login, target = self.plan.login, self.plan.target
        return Credentials(
            login.user, self._secret, login.authorize_as, target.host, target.port, self._bindings
        )

    def _proxy(self) -> Steps[None]:
        if self.plan.proxy.version == 0:
            return
        self.talk.detail = "proxy"
        header = proxy_header(self.plan.proxy)
        binary = self.plan.proxy.version == 2
        shown = f"<PROXY header of version 2, {len(header)} octets: {header.hex()}>"
        kind = Kind.BINARY if binary else Kind.COMMAND
        yield from self.talk.say(header, StopPoint.PROXY, kind, shown=shown if binary else "")
        yield from self.talk.reached(StopPoint.PROXY)

    def _greeting(self) -> Steps[None]:
        talk = self.talk
        yield from talk.enter(Stage.BANNER)
        reply = yield from talk.answer()
        if reply.code != 220:
            raise talk.refused(reply)
        yield from talk.reached(StopPoint.BANNER)

    def _hello(self, point: StopPoint | None = None, detail: str = "") -> Steps[None]:
        """EHLO, LHLO or HELO; a server that does not know EHLO is asked by HELO."""
        talk, dialect = self.talk, self.plan.dialect
        yield from talk.enter(Stage.EHLO, detail)
        verb = {Dialect.ESMTP: "EHLO", Dialect.SMTP: "HELO", Dialect.LMTP: "LHLO"}[dialect]
        reply = yield from talk.command(command(verb, self._helo), point or StopPoint.EHLO)
        if dialect is Dialect.ESMTP and reply.code in UNKNOWN_COMMAND:
            verb = "HELO"
            reply = yield from talk.command(command(verb, self._helo))
        if reply.code != 250:
            raise talk.refused(reply)
        talk.extensions = {} if verb == "HELO" else extensions_of(reply)
        if point is not None:
            yield from talk.reached(point)

    def _start_tls(self) -> Steps[None]:
        """Nothing is ever sent in clear text that was to be encrypted."""
        talk, options = self.talk, self.plan.tls
        optional = options.use is TlsUse.OPTIONAL
        if "STARTTLS" not in talk.extensions and not options.unadvertised:
            if not optional:
                yield from talk.enter(Stage.STARTTLS)
                raise _no_starttls(talk.where)
            yield Note("(the server does not offer STARTTLS: the session is not encrypted)")
            yield from talk.reached(StopPoint.TLS)
            return
        yield from talk.enter(Stage.STARTTLS)
        reply = yield from talk.command(b"STARTTLS\r\n", StopPoint.TLS)
        if reply.code != 220:
            if not optional or reply.code < 400:
                raise talk.refused(reply)
            yield Note("(STARTTLS was refused: the session is not encrypted)")
            yield from talk.reached(StopPoint.TLS)
            return
        yield from talk.drop_unasked()
        self._bindings = yield from talk.start_tls()
        talk.extensions = {}
        yield from talk.reached(StopPoint.TLS)
        yield from self._hello()

    def _xclient(self) -> Steps[None]:
        plan, talk = self.plan.xclient, self.talk
        if not plan.commands:
            return
        if "XCLIENT" not in talk.extensions and not plan.unadvertised:
            if not plan.optional:
                talk.detail = "xclient"
                raise ServerRefusedError(
                    "the server does not offer XCLIENT",
                    where=talk.where,
                    remedy="Postfix offers it to smtpd_authorized_xclient_hosts.",
                )
            yield Note("(the server does not offer XCLIENT)")
            return
        yield from self._each_xclient()

    def _each_xclient(self) -> Steps[None]:
        """A new greeting answers each one; after the last the session begins anew."""
        plan, talk = self.plan.xclient, self.talk
        yield from talk.enter(Stage.EHLO, "xclient")
        for attributes in plan.commands:
            line = command("XCLIENT", attributes)
            point = StopPoint.XCLIENT if attributes is plan.commands[-1] else None
            reply = yield from talk.command(line, point, shown=_without_login(line))
            if reply.code != 220:
                if plan.optional and reply.code >= 400:
                    yield Note("(XCLIENT was refused)")
                    talk.detail = ""
                    return
                raise talk.refused(reply)
        yield from talk.reached(StopPoint.XCLIENT)
        yield from self._hello(detail="xclient")
        talk.detail = ""

    def _quit(self) -> Steps[None]:
        """Say goodbye; nothing that happens here changes the outcome."""
        yield from self.talk.enter(Stage.QUIT)
        try:
            yield from self.talk.say(b"QUIT\r\n")
            yield REPLY
        except SmtpadminError as error:
            yield Note(f"({error.what})")


def extensions_of(reply: Reply) -> dict[str, str]:
    """Names (upper case) and parameters of what EHLO offers."""
    lines = reply.text.split("\n")[1 : MOST_EXTENSIONS + 1]
    parts = (line.strip().partition(" ") for line in lines)
    return {name.upper(): words.strip() for name, _, words in parts if name}


def _no_starttls(where: str) -> ServerRefusedError:
    return ServerRefusedError(
        "the server does not offer STARTTLS",
        where=where,
        remedy="Choose implicit TLS, or no TLS if clear text is acceptable.",
    )


def _without_login(line: bytes) -> str:
    words = line.decode("utf-8").rstrip("\r\n").split(" ")
    return " ".join("LOGIN=<redacted>" if w.upper().startswith("LOGIN=") else w for w in words)
