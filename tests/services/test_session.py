"""A session connects, falls, comes back by itself, and waits where only the user can help."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from smtpadmin.model.errors import (
    LoginError,
    NotPermittedError,
    SmtpadminError,
    TotalDeadlineError,
    UnreachableError,
    UntrustedError,
)
from smtpadmin.services import session as module
from smtpadmin.services.session import ServerSession, SessionState, SessionStatus
from smtpadmin.util.backoff import Backoff
from tests.support.memory_server import MemoryServer, profile

UNREACHABLE = UnreachableError("connection refused", where="mx1.example:25")


@pytest.fixture
async def session() -> AsyncIterator[ServerSession]:
    made = ServerSession(profile(), {}, MemoryServer, backoff=Backoff(first=0.001, most=0.01))
    yield made
    await made.close()


def server_of(session: ServerSession) -> MemoryServer:
    assert isinstance(session.connector, MemoryServer)
    return session.connector


async def reach(session: ServerSession, *states: SessionState) -> SessionStatus:
    async with asyncio.timeout(5):
        return await session.wait_for(*states)


def history_of(session: ServerSession) -> list[SessionState]:
    states: list[SessionState] = []
    session.changed.connect(lambda status: states.append(status.state))
    return states


async def test_it_connects_and_knows_the_abilities(session: ServerSession) -> None:
    states = history_of(session)
    session.start()
    session.start()
    await reach(session, SessionState.CONNECTED)
    assert states == [SessionState.CONNECTING, SessionState.CONNECTED]
    assert {"queue", "queue-control", "message", "log"} <= set(session.abilities)
    assert session.probed is not None
    assert session.probed.software == "memory"


async def test_the_step_tells_where_it_connects_to(session: ServerSession) -> None:
    steps: list[str] = []
    session.changed.connect(lambda status: steps.append(status.step))
    session.start()
    await reach(session, SessionState.CONNECTED)
    assert steps == ["mx1.example", ""]


async def test_an_unreachable_server_is_tried_again_by_itself(session: ServerSession) -> None:
    server_of(session).probe_errors = [UNREACHABLE, UNREACHABLE]
    states = history_of(session)
    session.start()
    assert (await reach(session, SessionState.OFFLINE)).error is UNREACHABLE
    await reach(session, SessionState.CONNECTED)
    assert session.status.error is None
    assert states[0] is SessionState.CONNECTING
    assert SessionState.CONNECTING not in states[1:], "the banner must not flicker"


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (LoginError("wrong password"), SessionState.AUTHENTICATION_FAILED),
        (UntrustedError("unknown certificate", fingerprint="ab"), SessionState.UNTRUSTED),
        (NotPermittedError("needs postqueue rights"), SessionState.PERMISSION_DENIED),
    ],
)
async def test_what_only_the_user_can_mend_is_not_tried_again(
    session: ServerSession, error: SmtpadminError, state: SessionState
) -> None:
    server_of(session).probe_errors = [error]
    session.start()
    status = await reach(session, state)
    assert (status.error, status.next_try) == (error, None)
    await asyncio.sleep(0.05)  # five times the longest back-off
    assert session.state is state
    session.retry_now()
    await reach(session, SessionState.CONNECTED)


async def test_a_failing_watcher_makes_it_stale_then_it_recovers(session: ServerSession) -> None:
    session.start()
    await reach(session, SessionState.CONNECTED)
    states = history_of(session)
    session.report(UNREACHABLE)
    assert session.status.error is UNREACHABLE
    await reach(session, SessionState.CONNECTED)
    assert set(states) == {SessionState.STALE, SessionState.CONNECTED}


async def test_stale_becomes_offline_when_it_does_not_come_back(session: ServerSession) -> None:
    session.start()
    await reach(session, SessionState.CONNECTED)
    server_of(session).probe_errors = [UNREACHABLE]
    states = history_of(session)
    session.report(UNREACHABLE)
    await reach(session, SessionState.OFFLINE)
    await reach(session, SessionState.CONNECTED)
    assert list(dict.fromkeys(states)) == [
        SessionState.STALE,
        SessionState.OFFLINE,
        SessionState.CONNECTED,
    ]


async def test_a_watcher_that_works_again_ends_the_wait() -> None:
    session = ServerSession(profile(), {}, MemoryServer, backoff=Backoff(first=60))
    session.start()
    await reach(session, SessionState.CONNECTED)
    session.report(UNREACHABLE)
    await asyncio.sleep(0)
    session.report_success()
    await reach(session, SessionState.CONNECTED)
    await session.close()


async def test_a_login_refused_later_waits_for_the_user(session: ServerSession) -> None:
    session.start()
    await reach(session, SessionState.CONNECTED)
    session.report(LoginError("token revoked"))
    assert session.state is SessionState.AUTHENTICATION_FAILED
    await asyncio.sleep(0.03)
    assert session.state is SessionState.AUTHENTICATION_FAILED


async def test_a_server_that_hangs_is_given_up(
    session: ServerSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PROBE_DEADLINE", 0.02)
    monkeypatch.setattr(session.connector, "probe", asyncio.Event().wait)
    session.start()
    status = await reach(session, SessionState.OFFLINE)
    assert isinstance(status.error, TotalDeadlineError)
    assert "mx1.example: no answer within 0.02 s" in str(status.error)


async def test_the_user_ends_a_try_and_starts_the_next(
    session: ServerSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.give_up()
    answering = session.connector.probe
    monkeypatch.setattr(session.connector, "probe", asyncio.Event().wait)
    session.start()
    await reach(session, SessionState.CONNECTING)
    await asyncio.sleep(0)
    session.give_up()
    status = await reach(session, SessionState.OFFLINE)
    assert str(status.error) == "mx1.example: connecting was cancelled"
    assert status.next_try is None
    await asyncio.sleep(0.03)
    assert session.status is status, "it was not tried again by itself"
    monkeypatch.setattr(session.connector, "probe", answering)
    session.retry_now()
    await reach(session, SessionState.CONNECTED)


async def test_a_bug_is_told_and_not_swallowed(
    session: ServerSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("bug")

    crashes: list[BaseException] = []
    session.crashed.connect(lambda _name, error: crashes.append(error))
    monkeypatch.setattr(session.connector, "probe", broken)
    session.start()
    status = await reach(session, SessionState.OFFLINE)
    assert isinstance(crashes[0], ZeroDivisionError)
    assert status.error is not None
    assert "Please report" in str(status.error)


async def test_closing_ends_tasks_and_connection_once() -> None:
    session = ServerSession(profile(), {}, MemoryServer)
    session.start()
    session.tasks.spawn("forever", asyncio.Event().wait())
    await reach(session, SessionState.CONNECTED)
    await session.close()
    await session.close()
    assert session.state is SessionState.CLOSED
    assert session.tasks.running == ()
    assert server_of(session).closed == 1


async def test_a_connection_that_cannot_be_closed_is_left_behind(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CLOSE_DEADLINE", 0.01)
    session = ServerSession(profile(), {}, MemoryServer)
    monkeypatch.setattr(session.connector, "close", asyncio.Event().wait)
    await session.close()
    assert session.state is SessionState.CLOSED
    assert "did not end well" in caplog.text
    caplog.clear()
