"""A load test of one's own server: many connections, many messages, live figures, an end at once.

Only for servers that are marked as one's own (:func:`permitted_target`): what helps the owner plan is
an attack on anybody else. Works in the caller's event loop: figures of a loop that does other things
(a window) are those of that loop, too.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections import Counter, deque
from dataclasses import replace
from typing import TYPE_CHECKING

from smtpadmin.formats.load_script import LoadScript, script_of
from smtpadmin.formats.reply_groups import grouped_reply
from smtpadmin.model.errors import NotPermittedError, SmtpadminError, UsageError
from smtpadmin.model.load import Latency, LoadErrors, LoadFigures, LoadPlan, LoadTarget
from smtpadmin.model.profile import Environment, Profile, SafetyLevel, TlsMode
from smtpadmin.util.histogram import Histogram
from smtpadmin.util.signal import Signal
from smtpadmin.util.tasks import TaskOwner

if TYPE_CHECKING:
    from smtpadmin.transport.load_smtp import LoadConnection

MOST_CONNECTIONS = 2_000
MOST_RECIPIENTS = 1_000
MOST_SIZE = 100 * 1024 * 1024
MOST_GROUPS = 100
TICK_S = 0.25
WINDOW_S = 1.0
PAUSE_AFTER_FAILURE_S = 0.05
OTHER = "(other replies)"


async def permitted_target(
    host: str,
    port: int,
    *,
    profile: Profile | None = None,
    i_own_this_server: bool = False,
    tls: TlsMode = TlsMode.NONE,
    user: str = "",
    ca_file: str = "",
    fingerprint: str = "",
) -> LoadTarget:
    """The target, its name looked up, when a load test of it is permitted; raises NotPermittedError.

    A production profile never is, a read-only one neither. Loopback always is else. A profile of a
    staging or test server at safety level *free* is; at *confirm*, and for a host without a profile,
    ``i_own_this_server`` must say so. Raises UnreachableError for a name that is not known.
    """
    from smtpadmin.transport.smtp_connect import resolve, system_resolver

    check_profile(profile)
    found = await resolve(host, port, system_resolver)
    addresses = tuple(dict.fromkeys(str(each[4][0]) for each in found))
    if not addresses:
        raise UsageError("the name has no address", where=host)
    free = profile is not None and profile.safety is SafetyLevel.FREE
    if not (free or i_own_this_server or all(map(_is_loopback, addresses))):
        raise NotPermittedError(
            "a load test needs the owner's word",
            where=host,
            remedy="If the server is yours, say so: --i-own-this-server.",
        )
    return LoadTarget(host, addresses, port, tls, user, ca_file, fingerprint)


def check_profile(profile: Profile | None) -> None:
    """Raise NotPermittedError for a profile whose server is never load-tested."""
    if profile is None:
        return
    if profile.environment is Environment.PRODUCTION:
        raise NotPermittedError(
            "this is a production server: no load test of it",
            where=profile.name,
            remedy="Test a copy; if this one is none, set its environment to staging or test.",
        )
    if profile.safety is SafetyLevel.READ_ONLY:
        raise NotPermittedError(
            "the profile is read-only",
            where=profile.name,
            remedy="Set its safety level to confirm or free.",
        )


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def check_plan(plan: LoadPlan) -> None:
    """Raise UsageError for a plan that cannot be, or would take this machine down."""
    limits = (
        ("connections", plan.connections, 1, MOST_CONNECTIONS),
        ("messages", plan.messages, 1, 1_000_000_000),
        ("recipients", plan.recipients, 1, MOST_RECIPIENTS),
        ("size", plan.size, 1, MOST_SIZE),
        ("rate", plan.rate, 0, 1_000_000),
        ("per_connection", plan.per_connection, 0, 1_000_000_000),
        ("answer_s", plan.answer_s, 0.01, 3_600),
    )
    for name, value, least, most in limits:
        if not least <= value <= most:
            raise UsageError(f"{name} is from {least} to {most}", where=str(value))
    for name, text in (("sender", plan.sender), ("recipient", plan.recipient), ("helo", plan.helo)):
        if (
            not text.isascii()
            or not text.isprintable()
            or set(text) & set("<> ")
            or len(text) > 320
        ):
            raise UsageError(f"{name} is not one for a load test", where=repr(text[:80]))


class LoadTest:
    """One run. ``progress`` tells the figures four times a second and at the end."""

    def __init__(self, target: LoadTarget, plan: LoadPlan, password: str = "") -> None:
        check_plan(plan)
        self.target = target
        self.plan = plan
        self.progress: Signal[[LoadFigures]] = Signal()
        self._password = password
        self._tasks = TaskOwner("load test")
        self._run: _Run | None = None

    def figures(self) -> LoadFigures:
        """Where it stands now."""
        return (
            self._run.figures() if self._run is not None else LoadFigures(wanted=self.plan.messages)
        )

    async def run(self) -> LoadFigures:
        """Send everything; gives the last figures. What fails is counted, not raised, but for a CA
        file that cannot be read (StorageError). Cancelling it closes all connections at once."""
        from smtpadmin.transport.tls import client_context

        target = self.target
        tls = None
        if target.tls is not TlsMode.NONE:
            tls = client_context(ca_file=target.ca_file, fingerprint=target.fingerprint)
        run = self._run = _Run(self.target, self.plan, self._password, script_of(self.plan), tls)
        workers = [
            self._tasks.spawn(f"connection {number}", run.work())
            for number in range(min(self.plan.connections, self.plan.messages))
        ]
        ticker = self._tasks.spawn("progress", self._tick(run))
        try:
            await asyncio.gather(*(worker for worker in workers if worker is not None))
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
        finally:
            run.end()
            if ticker is not None:
                ticker.cancel()
            await self._tasks.close()
        self.progress.emit(run.figures())
        return run.figures()

    def stop(self) -> None:
        """End it now: every connection is closed, :meth:`run` returns with what is known."""
        if self._run is not None:
            self._run.stop()
        self._tasks.cancel_all()

    async def _tick(self, run: _Run) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            run.check_answers()
            self.progress.emit(run.figures())


class _Run:
    """The counters of a run (``transport.load_smtp.LoadCounter``) and its connections."""

    def __init__(
        self,
        target: LoadTarget,
        plan: LoadPlan,
        password: str,
        script: LoadScript,
        tls: ssl.SSLContext | None,
    ) -> None:
        self.plan = plan
        self._target = target
        self._password = password
        self._script = script
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._ended: float | None = None
        self._stopped = False
        self._next = 0
        self._accepted = 0
        self._failed = 0
        self._refused = 0
        self._octets = 0
        self._made = 0
        self._latency = Histogram()
        self._connect = Histogram()
        self._errors: Counter[tuple[str, str]] = Counter()
        self._marks: deque[tuple[float, int]] = deque(maxlen=int(WINDOW_S / TICK_S) + 1)
        self._open: set[LoadConnection] = set()

    async def work(self) -> None:
        """One connection after another until there is nothing left to send."""
        while self._next < self.plan.messages and not self._stopped:
            if not await self._connect_and_send():
                await asyncio.sleep(PAUSE_AFTER_FAILURE_S)

    async def _connect_and_send(self) -> bool:
        """One connection's life; False when it never got as far as a message, which counts as one
        that failed, so that a run against a dead server ends."""
        from smtpadmin.transport.load_connect import open_connection

        began = self._loop.time()
        connection = None
        stage = "connect"
        try:
            connection = await open_connection(self, self._script, self._target, self._tls)
            self._open.add(connection)
            self._made += 1
            if len(self._target.addresses) > 1:
                self._target = replace(self._target, addresses=(connection.address,))
            await connection.prepare(self._target, self._password, self._tls)
            self._connect.record(self._loop.time() - began)
            await connection.send_all()
        except (SmtpadminError, OSError) as error:
            if connection is not None:
                stage = connection.stage
            if self._next < self.plan.messages and not self._stopped:
                self._next += 1
                what = error.what if isinstance(error, SmtpadminError) else str(error)
                self.failed(stage, what)
            return False
        finally:
            if connection is not None:
                connection.abort()
                self._open.discard(connection)
        return True

    # What a connection asks and tells.

    def next_message(self) -> tuple[int, float]:
        """The next number, and how long to wait for its turn."""
        number = self._next
        if number >= self.plan.messages or self._stopped:
            return -1, 0.0
        self._next += 1
        if not self.plan.rate:
            return number, 0.0
        return number, max(0.0, self._began + number / self.plan.rate - self._loop.time())

    def accepted(self, seconds: float, octets: int) -> None:
        """Count a message that was taken."""
        self._accepted += 1
        self._octets += octets
        self._latency.record(seconds)

    def failed(self, stage: str, reply: str) -> None:
        """Count one that was not; without a reply its error was counted already."""
        self._failed += 1
        if reply:
            self._count_error(stage, reply)

    def recipient_refused(self, reply: str) -> None:
        """Count a recipient that was not taken."""
        self._refused += 1
        self._count_error("rcpt", reply)

    def _count_error(self, stage: str, reply: str) -> None:
        key = (stage, grouped_reply(reply))
        if key not in self._errors and len(self._errors) >= MOST_GROUPS:
            key = (stage, OTHER)
        self._errors[key] += 1

    # Figures and end.

    def check_answers(self) -> None:
        """Give up connections that wait too long."""
        now = self._loop.time()
        self._marks.append((now, self._accepted))
        for connection in tuple(self._open):
            connection.check_answer(now)

    def stop(self) -> None:
        """Close everything."""
        self._stopped = True
        self.end()

    def end(self) -> None:
        """The clock stops."""
        if self._ended is None:
            self._ended = self._loop.time()
        for connection in tuple(self._open):
            connection.abort()

    def figures(self) -> LoadFigures:
        """Where it stands."""
        now = self._ended if self._ended is not None else self._loop.time()
        elapsed = max(now - self._began, 1e-9)
        return LoadFigures(
            elapsed_s=round(elapsed, 3),
            wanted=self.plan.messages,
            accepted=self._accepted,
            failed=self._failed,
            recipients_refused=self._refused,
            octets=self._octets,
            open_connections=len(self._open),
            connections_made=self._made,
            rate=round(self._rate(now), 1),
            mean_rate=round(self._accepted / elapsed, 1),
            latency=_latency(self._latency),
            connect=_latency(self._connect),
            errors=tuple(
                LoadErrors(stage, reply, count)
                for (stage, reply), count in self._errors.most_common()
            ),
            finished=self._ended is not None,
            stopped=self._stopped,
        )

    def _rate(self, now: float) -> float:
        """Accepted messages a second, over the last second or so."""
        then, count = self._marks[0] if self._marks else (self._began, 0)
        return (self._accepted - count) / (now - then) if now > then else 0.0


def _latency(histogram: Histogram) -> Latency:
    def ms(seconds: float) -> float:
        return round(seconds * 1000, 3)

    return Latency(
        p50=ms(histogram.percentile(50)),
        p95=ms(histogram.percentile(95)),
        p99=ms(histogram.percentile(99)),
        max=ms(histogram.longest),
        mean=ms(histogram.mean),
    )
