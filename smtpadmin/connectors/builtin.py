"""The built-in mail server, through its admin API (``docs/builtin-server.md``)."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from smtpadmin.connectors.api import Advice, FieldType, SettingField
from smtpadmin.formats.builtin_log import parse_line
from smtpadmin.model.errors import ProtocolError, UsageError
from smtpadmin.model.log import LogRecord
from smtpadmin.model.profile import Profile, TlsMode
from smtpadmin.model.queue import (
    ActionOffer,
    ActionResult,
    QueueAction,
    QueueCounts,
    QueueEntry,
    StoredMessage,
)
from smtpadmin.model.smtp import SubmissionEndpoint, TranscriptLine
from smtpadmin.model.stats import ProbeResult, ServerStats
from smtpadmin.model.tracking import TrackCriteria, TrackedMessage

if TYPE_CHECKING:
    from smtpadmin.transport.http import HttpTransport

DEFAULT_ADMIN = "127.0.0.1:8025"
MOST_ITEMS = 1_000


class BuiltinServer:
    """One built-in mail server."""

    id = "builtin"
    title = "Built-in mail server"
    settings = (
        SettingField(
            "admin",
            "Admin API",
            FieldType.URL,
            default=DEFAULT_ADMIN,
            required=True,
            help="HOST:PORT that smtpadmin serve printed",
        ),
        SettingField(
            "token",
            "Token",
            secret=True,
            required=True,
            help="The content of the file admin-token in the server's data folder",
        ),
        SettingField(
            "smtp",
            "SMTP",
            help="HOST:PORT for test messages; asked of the server when empty",
        ),
        SettingField("ca_file", "CA file", FieldType.PATH, help="The server's tls/ca.pem"),
    )

    def __init__(self, profile: Profile, secrets: Mapping[str, str]) -> None:
        self._profile = profile
        self._token = secrets.get("token", "")
        self._opened: HttpTransport | None = None
        self._smtp = profile.settings.get("smtp", "")

    @property
    def _http(self) -> HttpTransport:
        if self._opened is None:
            from smtpadmin.transport.http import HttpTransport

            self._opened = HttpTransport(base_url(self._profile), self._token)
        return self._opened

    async def probe(self) -> ProbeResult:
        """Who answers, and how it is set up."""
        status = _decode(await self._http.get("/v1/status"), dict[str, Any])
        self._smtp = self._smtp or str(status.get("smtp", ""))
        facts = {
            "Host name": str(status.get("hostname", "")),
            "SMTP": str(status.get("smtp", "")),
            "Local domains": ", ".join(status.get("local_domains", [])) or "none",
            "Routes": ", ".join(f"{d} → {h}" for d, h in status.get("routes", {}).items())
            or "none",
            "Largest message": f"{status.get('limits', {}).get('message_size', 0)} octets",
            "Retries after": ", ".join(f"{s:g} s" for s in status.get("retry_s", [])),
            "Gives up after": f"{status.get('expire_s', 0) / 3600:g} h",
        }
        return ProbeResult(
            software=str(status.get("software", "unknown")),
            version=str(status.get("version", "")),
            path=f"admin API {self._http.base}",
            facts=facts,
        )

    async def close(self) -> None:
        """Give up the connection."""
        if self._opened is not None:
            await self._opened.close()
            self._opened = None

    # QueueSource

    async def list_queue(self) -> AsyncIterator[Sequence[QueueEntry]]:
        """The queue in the order of arrival. Raises ProtocolError when it breaks off."""
        ended = False
        async for lines in self._http.lines("/v1/queue"):
            if not lines:
                continue
            ended = lines[-1] == b'{"end":true}'
            entries = lines[:-1] if ended else lines
            yield [replace(_decode(e, QueueEntry), server=self._profile.name) for e in entries]
        if not ended:
            raise ProtocolError("the listing broke off", where=self._http.base, remedy="Try again.")

    async def queue_counts(self) -> QueueCounts:
        """Messages by queue."""
        return QueueCounts(_decode(await self._http.get("/v1/queue/counts"), dict[str, int]))

    # QueueControl

    def offers(self) -> tuple[ActionOffer, ...]:
        """This server can do everything."""
        url = f"POST {base_url(self._profile)}/v1/queue/actions"
        return tuple(
            ActionOffer(action, True, commands=(f'{url} {{"action":"{action}"}}',))
            for action in QueueAction
        )

    async def act(self, action: QueueAction, entries: Sequence[QueueEntry]) -> list[ActionResult]:
        """Do it; the server compares identity in the same transaction."""
        results: list[ActionResult] = []
        for start in range(0, len(entries), MOST_ITEMS):
            items = [
                {"queue_id": e.queue_id, "arrived": e.arrived, "sender": e.sender, "size": e.size}
                for e in entries[start : start + MOST_ITEMS]
            ]
            body = {"action": action, "items": items}
            answer = await self._http.post("/v1/queue/actions", body)
            results += _decode(answer, list[ActionResult])
        return results

    async def reinject(self, message: StoredMessage) -> str:
        """Put a kept copy back."""
        body = {
            "sender": message.sender,
            "recipients": message.recipients,
            "raw": base64.b64encode(message.raw).decode(),
            "queue_id": message.queue_id,
        }
        answer = _decode(await self._http.post("/v1/messages", body), dict[str, str])
        return str(answer["queue_id"])

    # MessageSource

    async def fetch_message(self, queue_id: str) -> StoredMessage:
        """A queued message's octets and envelope."""
        path = f"/v1/messages/{_segment(queue_id)}/raw"
        raw, headers = await self._http.get_with_headers(path)
        envelope = _decode(base64.b64decode(headers.get("X-Envelope", "")), dict[str, Any])
        return StoredMessage(
            queue_id, str(envelope["sender"]), tuple(map(str, envelope["recipients"])), raw
        )

    # TranscriptSource

    async def fetch_transcript(self, queue_id: str) -> list[TranscriptLine]:
        """The lines of the last delivery sessions, the oldest first."""
        path = f"/v1/messages/{_segment(queue_id)}/attempts"
        attempts = _decode(await self._http.get(path), list[dict[str, Any]])
        lines: list[TranscriptLine] = []
        for number, attempt in enumerate(attempts, 1):
            when = datetime.fromtimestamp(float(attempt["started"])).astimezone()
            head = (
                f"session {number} of {len(attempts)}, {when:%Y-%m-%d %H:%M:%S}, {attempt['relay']}"
            )
            lines.append(TranscriptLine(0.0, "*", head))
            lines += [TranscriptLine(t, d, line, tls) for t, d, line, tls in attempt["transcript"]]
        return lines

    # LogSource

    async def read_log(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[Sequence[LogRecord]]:
        """The log of a time range, the oldest line first."""
        query = _query(since=since, until=until)
        async for lines in self._http.lines("/v1/log", query):
            yield [parse_line(line) for line in lines]

    async def follow_log(self) -> AsyncIterator[Sequence[LogRecord]]:
        """New lines, until cancelled or the server lets go."""
        async for lines in self._http.lines("/v1/log/follow", endless=True):
            yield [parse_line(line) for line in lines]

    # Tracker

    async def track(self, criteria: TrackCriteria) -> AsyncIterator[TrackedMessage]:
        """The server joins its own log."""
        query = _query(
            **{"from": criteria.sender},
            to=criteria.recipient,
            message_id=criteria.message_id,
            queue_id=criteria.queue_id,
            client=criteria.client,
            status=criteria.status,
            subject=criteria.subject,
            since=criteria.since,
            until=criteria.until,
            limit=criteria.limit,
            lines="1" if criteria.lines else None,
        )
        async for lines in self._http.lines("/v1/track", query):
            for line in lines:
                yield _named(_decode(line, TrackedMessage), self._profile.name)

    # Submission

    def submission_endpoints(self) -> tuple[SubmissionEndpoint, ...]:
        """The SMTP port; TLS when the server's authority is known."""
        if not self._smtp:
            return ()
        host, _, port = self._smtp.rpartition(":")
        ca_file = self._profile.settings.get("ca_file", "")
        tls = TlsMode.STARTTLS if ca_file else TlsMode.NONE
        return (SubmissionEndpoint(host.strip("[]"), int(port), tls, ca_file=ca_file),)

    def submission_password(self) -> str:
        """Loopback may relay without one."""
        return ""

    # StatsSource, AdviceSource

    async def stats(self) -> ServerStats:
        """Totals and series."""
        figures: ServerStats = _decode(await self._http.get("/v1/stats"), ServerStats)
        return figures

    async def advice(self) -> list[Advice]:
        """What looks wrong in the server's set-up."""
        status = _decode(await self._http.get("/v1/status"), dict[str, Any])
        found = []
        if not status.get("local_domains") and not status.get("routes"):
            found.append(
                Advice(
                    "warn",
                    "No local domain and no route: all mail goes to mail exchangers by DNS.",
                    "Start the server with --domain or --route.",
                )
            )
        if not status.get("users"):
            found.append(
                Advice(
                    "warn",
                    "No user can log in: only clients of trusted networks may relay.",
                    "Start the server with --user and --password-stdin.",
                )
            )
        return found


def base_url(profile: Profile) -> str:
    """The admin API's address. Raises UsageError."""
    text = profile.settings.get("admin") or DEFAULT_ADMIN
    if "://" not in text:
        text = f"http://{text}"
    if not text.startswith(("http://", "https://")):
        raise UsageError(
            f"{text!r} is not the address of an admin API",
            where=profile.name,
            remedy="Use HOST:PORT, for example 127.0.0.1:8025.",
        )
    return text.rstrip("/")


def _decode(octets: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(octets, type=kind)
    except msgspec.DecodeError as error:
        raise ProtocolError(
            f"the admin API's answer does not fit ({error})",
            remedy="Check that the address is a smtpadmin server of this version.",
        ) from error


def _segment(queue_id: str) -> str:
    if not queue_id.isalnum():
        raise UsageError(f"{queue_id!r} is not a queue ID of this server")
    return queue_id


def _query(**values: object) -> dict[str, str]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else str(value)
        for name, value in values.items()
        if value is not None
    }


def _named(message: TrackedMessage, server: str) -> TrackedMessage:
    return replace(message, legs=tuple(replace(leg, server=server) for leg in message.legs))
