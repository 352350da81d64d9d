"""What every connector keeps, whatever it talks to. A new connector takes part by existing."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from smtpadmin.connectors import registry
from smtpadmin.connectors.api import (
    Connector,
    FieldType,
    LogSource,
    MessageSource,
    QueueControl,
    QueueSource,
    SettingField,
    StatsSource,
    Submission,
    abilities_of,
    ability,
)
from smtpadmin.model.errors import SmtpadminError, UnreachableError
from smtpadmin.model.profile import Profile, TlsMode
from smtpadmin.model.queue import QueueAction
from smtpadmin.model.tracking import TrackCriteria

DEADLINE = 20.0
KINDS = sorted(registry.connectors())
each_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of loopback that refuses: bound by us, so nobody else gets it, and not listening."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def value_of(field: SettingField, port: int, folder: Path) -> str:
    """Something that fits the declared field and leads to ``port``."""
    if field.type is FieldType.URL or "HOST:PORT" in field.help:
        return f"127.0.0.1:{port}"
    if field.type is FieldType.PORT:
        return str(port)
    if field.type is FieldType.PATH and field.required:
        return str(folder)
    if field.type is FieldType.CHOICE:
        return field.default or field.choices[0]
    return field.default or ("x" if field.required else "")


def build(kind: str, port: int, folder: Path) -> Connector:
    cls = registry.connectors()[kind]
    values = {f.name: value_of(f, port, folder) for f in cls.settings}
    secrets = {f.name: "contract-secret" for f in cls.settings if f.secret}
    settings = {
        name: value
        for name, value in values.items()
        if value and name not in {"host", "port", "user", "tls"} and name not in secrets
    }
    made = Profile(
        "u", "contract", kind, host="127.0.0.1", port=port, tls=TlsMode.NONE, settings=settings
    )
    return registry.create(made, secrets)


@each_kind
def test_the_declaration_is_complete(kind: str) -> None:
    cls = registry.connectors()[kind]
    assert cls.id == kind
    assert re.fullmatch(r"[a-z][a-z0-9-]*", kind)
    assert cls.title.strip() == cls.title != ""
    assert (cls.__doc__ or "").strip()
    names = [field.name for field in cls.settings]
    assert len(set(names)) == len(names)
    for field in cls.settings:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", field.name)
        assert field.label
        assert bool(field.choices) == (field.type is FieldType.CHOICE)
        assert field.default == "" or not field.secret, "a secret has no default"
        if field.choices:
            assert field.default in ("", *field.choices)


@each_kind
def test_constructing_does_not_connect(kind: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        build(kind, listener.getsockname()[1], tmp_path)
        listener.settimeout(0.05)
        with pytest.raises(TimeoutError):
            listener.accept()


@each_kind
def test_it_has_an_ability_and_class_and_object_agree(
    kind: str, closed_port: int, tmp_path: Path
) -> None:
    cls = registry.connectors()[kind]
    assert abilities_of(cls)
    assert abilities_of(build(kind, closed_port, tmp_path)) == abilities_of(cls)


@each_kind
def test_who_acts_on_the_queue_can_list_it_and_names_every_action(
    kind: str, closed_port: int, tmp_path: Path
) -> None:
    connector = build(kind, closed_port, tmp_path)
    control = ability(connector, QueueControl)
    if control is None:
        assert not hasattr(connector, "act")
        return
    assert ability(connector, QueueSource) is not None
    offers = control.offers()
    assert sorted(offer.action for offer in offers) == sorted(QueueAction)
    for offer in offers:
        assert offer.commands if offer.available else offer.why_not


@each_kind
async def test_closing_is_safe_at_any_time(kind: str, closed_port: int, tmp_path: Path) -> None:
    connector = build(kind, closed_port, tmp_path)
    await connector.close()
    await connector.close()


@each_kind
async def test_a_closed_port_is_unreachable_and_named(
    kind: str, closed_port: int, tmp_path: Path
) -> None:
    connector = build(kind, closed_port, tmp_path)
    async with asyncio.timeout(DEADLINE):
        with pytest.raises(UnreachableError) as caught:
            await connector.probe()
    await connector.close()
    assert str(closed_port) in str(caught.value)
    assert "contract-secret" not in repr(caught.value) + caught.value.detail


@each_kind
async def test_every_ability_fails_with_a_typed_error(
    kind: str, closed_port: int, tmp_path: Path
) -> None:
    connector = build(kind, closed_port, tmp_path)
    for name, call in calls_of(connector).items():
        async with asyncio.timeout(DEADLINE):
            try:
                await call()
            except SmtpadminError as error:
                assert error.what, name  # noqa: PT017 - any of several types
            else:
                pytest.fail(f"{name} found no fault with a server that is not there")
    await connector.close()


def calls_of(connector: object) -> dict[str, Callable[[], Awaitable[object]]]:
    """The abilities that have to ask the server, each as a call."""
    calls: dict[str, Callable[[], Awaitable[object]]] = {}
    if queue := ability(connector, QueueSource):
        calls["list_queue"] = lambda: drained(queue.list_queue())
        calls["queue_counts"] = queue.queue_counts
    if messages := ability(connector, MessageSource):
        calls["fetch_message"] = lambda: messages.fetch_message("0123456789AB")
    if log := ability(connector, LogSource):
        calls["read_log"] = lambda: drained(log.read_log())
        calls["follow_log"] = lambda: drained(log.follow_log())
    if stats := ability(connector, StatsSource):
        calls["stats"] = stats.stats
    track = getattr(connector, "track", None)
    if track is not None:
        calls["track"] = lambda: drained(track(TrackCriteria()))
    return calls


async def drained(stream: AsyncIterator[object]) -> None:
    async for _ in stream:
        pass


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[int]:
    """A server that says ``answer`` to whoever connects, and hangs up."""

    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(answer)
            await writer.drain()
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@each_kind
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0\xff\xfe nonsense\r\n" * 3,
        b"A" * 1_000_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
    ],
    ids=["hangs-up", "nonsense", "floods", "another-protocol"],
)
async def test_an_answer_that_does_not_fit_is_a_typed_error(
    kind: str, answer: bytes, tmp_path: Path
) -> None:
    async with answering(answer) as port:
        connector = build(kind, port, tmp_path)
        async with asyncio.timeout(DEADLINE):
            with pytest.raises(SmtpadminError) as caught:
                await connector.probe()
        await connector.close()
    assert len(str(caught.value)) < 3_000, "a flood does not reach the screen"


@each_kind
def test_submission_endpoints_need_no_connection(
    kind: str, closed_port: int, tmp_path: Path
) -> None:
    submission = ability(build(kind, closed_port, tmp_path), Submission)
    if submission is not None:
        assert all(0 < endpoint.port < 65_536 for endpoint in submission.submission_endpoints())
        assert isinstance(submission.submission_password(), str)
