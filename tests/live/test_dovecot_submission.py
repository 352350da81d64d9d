"""Every mechanism that Dovecot has, over STARTTLS, against the real one: a right password brings the
mail through to the relay behind it, a wrong one is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trustme

from smtpadmin.model.errors import LoginError, SmtpadminError
from smtpadmin.model.smtp import SendResult, Stage
from smtpadmin.model.smtp_plan import LoginPlan, SendPlan, Target, TlsPlan, TlsUse
from smtpadmin.transport.smtp_run import Secrets, run_plan
from tests.support.dovecot_submission import dovecot_submission
from tests.support.recording_server import Recorded, recording_server
from tests.support.smtp_script import MAIL

USER, PASSWORD = "anna", "correct horse battery"
MECHANISMS = ("PLAIN", "LOGIN", "LOGIN-INITIAL", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")


@asynccontextmanager
async def dovecot(tmp_path: Path) -> AsyncIterator[tuple[int, Recorded]]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    leaf = authority.issue_cert("127.0.0.1")
    leaf.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    leaf.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    async with recording_server() as relay:
        relay.finished.set()
        running = dovecot_submission(
            USER, PASSWORD, relay.port, tmp_path / "cert.pem", tmp_path / "key.pem"
        )
        port = await asyncio.to_thread(running.__enter__)
        try:
            yield port, relay
        finally:
            await asyncio.to_thread(running.__exit__, None, None, None)


async def send(
    port: int, tmp_path: Path, mechanism: str, password: str
) -> tuple[SendResult, SmtpadminError | None]:
    plan = SendPlan(
        Target("127.0.0.1", port),
        helo="desk.example",
        tls=TlsPlan(TlsUse.STARTTLS, ca_file=str(tmp_path / "ca.pem")),
        login=LoginPlan(USER, mechanisms=(mechanism,)),
    )
    return await run_plan(plan, MAIL, Secrets(password), total_s=20)


async def test_right_and_wrong_passwords(tmp_path: Path) -> None:
    async with dovecot(tmp_path) as (port, relay):
        for mechanism in MECHANISMS:
            relay.wire.clear()
            result, error = await send(port, tmp_path, mechanism, PASSWORD)
            assert error is None, (mechanism, result.transcript)
            assert (result.result, result.queue_id) == ("accepted", "ABCDEF123456")
            assert b"RCPT TO:<c@d.example>" in bytes(relay.wire)
            assert result.tls is not None
            assert result.tls.level == "Verified"
        for mechanism in ("PLAIN", "SCRAM-SHA-256", "XOAUTH2"):  # it does not offer the last
            result, error = await send(port, tmp_path, mechanism, "wrong horse")
            assert isinstance(error, LoginError), mechanism
            assert (result.result, result.stage) == ("refused", Stage.AUTH)
            assert "wrong horse" not in str(result)
