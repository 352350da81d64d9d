"""A caught message goes on to a real server as it is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from smtpadmin.model.catch import CaughtMessage
from smtpadmin.model.errors import UsageError
from smtpadmin.model.profile import TlsMode
from smtpadmin.model.smtp import SubmissionEndpoint
from smtpadmin.services.catch_server import CatchServer
from smtpadmin.services.release import release
from tests.support.catch import catching, wire

RAW = b"Subject: h\xc3\xa4\r\nMessage-ID: <1@x.example>\r\n\r\n.dot\r\n..\r\nbody\r\n"


def endpoint(server: CatchServer) -> SubmissionEndpoint:
    assert server.address is not None
    return SubmissionEndpoint(*server.address, TlsMode.STARTTLS, ca_file=str(server.ca_file))


async def caught() -> CaughtMessage:
    async with catching() as server, wire(server) as client:
        await client.begin("b@y.example", "c@y.example")
        await client.say(RAW.replace(b"\r\n.", b"\r\n..") + b".")
        (message,) = server.store
    assert message.raw == RAW
    return message


async def test_with_its_own_envelope() -> None:
    message = await caught()
    async with catching() as target:
        released = await release(message, endpoint(target))
        (arrived,) = target.store
    assert released.error is None
    assert released.result.result == "accepted"
    assert (arrived.raw, arrived.sender, arrived.recipients) == (
        RAW, message.sender, message.recipients)  # fmt: skip


async def test_with_another_envelope_and_a_refusal_is_an_outcome() -> None:
    message = await caught()
    async with catching('rcpt recipient=no@* reply="550 5.1.1 no"') as target:
        released = await release(message, endpoint(target), sender="", recipients=["ok@z.example"])
        refused = await release(message, endpoint(target), recipients=["no@z.example"])
        (arrived,) = target.store
    assert (arrived.sender, arrived.recipients) == ("", ("ok@z.example",))
    assert (released.sender, released.recipients) == ("", ("ok@z.example",))
    assert refused.result.result == "refused"
    assert refused.error is not None


async def test_nobody_to_send_it_to() -> None:
    message = CaughtMessage("m", "s", datetime.now(UTC), "a@x", (), b"")
    with pytest.raises(UsageError):
        await release(message, SubmissionEndpoint("127.0.0.1", 1, TlsMode.NONE))
