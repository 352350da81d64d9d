"""Opening a connection, or saying why not."""

from __future__ import annotations

import ssl

import pytest

from smtpadmin.formats.load_script import script_of
from smtpadmin.model.errors import UnreachableError
from smtpadmin.model.load import LoadPlan, LoadTarget
from smtpadmin.model.profile import TlsMode
from smtpadmin.transport.load_connect import open_connection
from tests.support.catch import catching


class Nobody:
    """A counter that is asked nothing: no message is sent here."""

    plan = LoadPlan()

    def next_message(self) -> tuple[int, float]:
        return -1, 0.0

    def accepted(self, seconds: float, octets: int) -> None:
        pytest.fail("nothing was sent")

    def failed(self, stage: str, reply: str) -> None:
        pytest.fail("nothing was sent")

    def recipient_refused(self, reply: str) -> None:
        pytest.fail("nothing was sent")


SCRIPT = script_of(LoadPlan())


async def test_nobody_listens() -> None:
    target = LoadTarget("localhost", ("127.0.0.1",), 1)
    with pytest.raises(UnreachableError, match="cannot connect"):
        await open_connection(Nobody(), SCRIPT, target, None)


async def test_the_address_that_answered_is_known() -> None:
    async with catching() as server:
        assert server.address is not None
        target = LoadTarget("localhost", ("127.0.0.77", "127.0.0.1"), server.address[1])
        connection = await open_connection(Nobody(), SCRIPT, target, None)
        connection.abort()
    assert connection.address == "127.0.0.1"


async def test_a_certificate_that_is_not_trusted() -> None:
    async with catching() as server:
        assert server.implicit_address is not None
        host, port = server.implicit_address
        target = LoadTarget("localhost", (host,), port, TlsMode.IMPLICIT)
        with pytest.raises(UnreachableError):
            await open_connection(Nobody(), SCRIPT, target, ssl.create_default_context())
