"""What the catch server takes and says, to clients of several makes and to rude ones."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import random
import smtplib
import ssl
import tracemalloc

import aiosmtplib
import pytest

from smtpadmin.formats.catch_rules import read_rule
from smtpadmin.services.catch_server import CatchLimits, CatchServer
from tests.support.catch import beside, catching, program, transcript, trusting, wire
from tests.support.waiting import until

MAIL = b"Subject: h\xc3\xa4\r\nMessage-ID: <1@x.example>\r\n\r\n.dot\r\nbody\r\n"


def by_smtplib(server: CatchServer) -> dict[str, tuple[int, bytes]]:
    assert server.address is not None
    with smtplib.SMTP(*server.address, local_hostname="client.example") as client:
        client.starttls(context=trusting(server))
        client.login("anna", "s3cret-word")
        return client.sendmail("a@x.example", ["b@y.example", "full@y.example"], MAIL)


async def test_smtplib_with_starttls_login_and_a_refused_recipient() -> None:
    async with catching('rcpt recipient=full@* reply="452 4.2.2 mailbox full"') as server:
        refused = await beside(by_smtplib, server)
        await until(server.store.sessions)
    (message,) = server.store
    (session,) = server.store.sessions()
    assert refused == {"full@y.example": (452, b"4.2.2 mailbox full")}
    assert (message.raw, message.sender, message.recipients) == (
        MAIL,
        "a@x.example",
        ("b@y.example",),
    )
    assert (message.protocol, message.user, message.subject) == ("ESMTPSA", "anna", "hä")
    assert message.header_message_id == "<1@x.example>"
    assert message.tls is not None
    assert message.tls.version == "TLSv1.3"
    assert session.messages == (message.message_id,)
    assert session.rules == ("rcpt",)
    assert "s3cret-word" not in transcript(server)
    assert base64.b64encode(b"\0anna\0s3cret-word").decode() not in transcript(server)


def by_smtplib_ssl(server: CatchServer) -> None:
    assert server.implicit_address is not None
    with smtplib.SMTP_SSL(*server.implicit_address, context=trusting(server)) as client:
        client.sendmail("", ["b@y.example"], MAIL)


async def test_implicit_tls_and_the_null_sender() -> None:
    async with catching() as server:
        await beside(by_smtplib_ssl, server)
    (message,) = server.store
    assert (message.protocol, message.sender) == ("ESMTPS", "")


async def test_aiosmtplib_with_utf8_addresses() -> None:
    async with catching() as server:
        assert server.address is not None
        host, port = server.address
        await aiosmtplib.send(
            "Subject: x\n\ngrüße\n".encode(),
            hostname=host,
            port=port,
            sender="jürgen@x.example",
            recipients=["b@ü.example"],
            start_tls=False,
            mail_options=["SMTPUTF8"],
        )
    (message,) = server.store
    assert (message.sender, message.smtputf8) == ("jürgen@x.example", True)
    assert message.protocol == "UTF8SMTP"


@pytest.mark.parametrize("auth", ["PLAIN", "LOGIN", "CRAM-MD5"])
async def test_swaks_with_each_login_method(auth: str) -> None:
    swaks = program("swaks")
    async with catching() as server:
        assert server.address is not None
        host, port = server.address
        process = await asyncio.create_subprocess_exec(
            *(swaks, "--server", host, "--port", str(port), "--to", "b@y.example"),
            *("--from", "a@x.example", "--tls", "--auth", auth, "--auth-user", "u"),
            *("--auth-password", "pass-word-9"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 20)
        await until(server.store.sessions)
    assert process.returncode == 0, output.decode()
    (message,) = server.store
    assert (message.user, message.mechanism) == ("u", auth)
    assert "pass-word-9" not in transcript(server)


async def test_xoauth2_takes_any_token_and_shows_none() -> None:
    token = base64.b64encode(b"user=anna@x.example\x01auth=Bearer ya29.tokentoken\x01\x01")
    async with catching() as server:
        async with wire(server) as client:
            await client.say(b"EHLO client.example")
            assert (await client.say(b"AUTH XOAUTH2 " + token))[:3] == "235"
            await client.say(b"QUIT")
        await until(server.store.sessions)
    assert server.store.sessions()[0].user == "anna@x.example"
    assert token.decode() not in transcript(server)


@pytest.mark.parametrize(
    "response", [b"AUTH XOAUTH2 =", b"AUTH XOAUTH2 eA==", b"AUTH CRAM-MD5 eA=="]
)
async def test_a_wrong_response_is_answered(response: bytes) -> None:
    async with catching() as server, wire(server) as client:
        await client.say(b"EHLO client.example")
        assert (await client.say(response))[:3] == "501"
        assert (await client.say(b"NOOP"))[:3] == "250"


async def test_mechanisms_have_no_case_and_a_login_needs_one() -> None:
    async with catching() as server, wire(server) as client:
        await client.say(b"EHLO client.example")
        assert (await client.say(b"AUTH"))[:3] == "501"
        assert (await client.say(b"auth plain " + base64.b64encode(b"\0anna\0x")))[:3] == "235"


async def test_a_login_sent_ahead_of_a_refusal_is_not_shown() -> None:
    user, password = base64.b64encode(b"anna.secret"), base64.b64encode(b"pass-word-7")
    async with catching() as server:
        async with wire(server) as client:
            client.writer.write(b"AUTH LOGIN\r\n" + user + b"\r\n" + password + b"\r\nEHLO c\r\n")
            answers = [await client.reply() for _ in range(4)]
            assert [answer[:3] for answer in answers] == ["503", "500", "500", "250"]
            await client.say(b"FROBNICATE")
        await until(server.store.sessions)
    for secret in (user, password):
        assert secret.decode() not in transcript(server)
        assert secret.decode().upper() not in transcript(server)
    assert "> EHLO c" in transcript(server)
    assert "> FROBNICATE" in transcript(server)


async def test_a_refused_login_by_rule() -> None:
    async with catching('auth user=anna reply="454 4.7.0 later"') as server, wire(server) as client:
        await client.say(b"EHLO client.example")
        assert (
            await client.say(b"AUTH PLAIN " + base64.b64encode(b"\0anna\0x")) == "454 4.7.0 later"
        )
        assert (await client.say(b"AUTH PLAIN " + base64.b64encode(b"\0otto\0x")))[:3] == "235"


async def test_dsn_options_are_taken() -> None:
    async with catching() as server, wire(server) as client:
        assert "250-DSN" in await client.say(b"EHLO client.example")
        assert (await client.say(b"MAIL FROM:<a@x> RET=HDRS ENVID=7"))[:3] == "250"
        assert (await client.say(b"RCPT TO:<b@y> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;c@z"))[
            :3
        ] == "250"


async def test_wrong_line_ends_are_kept_and_counted() -> None:
    raw = b"Subject: x\r\n\r\none\ntwo\rthree\r\n"
    async with catching() as server, wire(server) as client:
        await client.begin()
        assert (await client.say(raw + b"."))[:3] == "250"
        (message,) = server.store
    assert (message.raw, message.bare_lf, message.bare_cr) == (raw, 1, 1)


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n\0.\r\n"])
async def test_only_one_end_of_data(end: bytes) -> None:
    async with catching() as server, wire(server) as client:
        await client.begin()
        client.writer.write(b"Subject: x\r\n\r\nx" + end + b"MAIL FROM:<smuggled@x>\r\n")
        assert (await client.say(b"."))[:3] == "250"
        assert len(server.store) == 1


async def test_pipelined_commands_read_in_order_in_the_transcript() -> None:
    async with catching() as server:
        async with wire(server) as client:
            await client.say(b"EHLO client.example")
            client.writer.write(b"MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n")
            assert [(await client.reply())[:3] for _ in range(3)] == ["250", "250", "354"]
            client.writer.write(b"AUTH: this is a header\r\n\r\n.\r\nQUIT\r\n")
            assert [(await client.reply())[:3] for _ in range(2)] == ["250", "221"]
        await until(server.store.sessions)
    assert "> RCPT TO:<b@y>\n< 250 2.1.5 Ok\n> DATA\n< 354 " in transcript(server)
    assert "> AUTH: this is a header" in transcript(server)


# Rules.


async def test_no_starttls() -> None:
    async with catching("ehlo no-starttls hide=SIZE") as server, wire(server) as client:
        answer = await client.say(b"EHLO client.example")
        assert "STARTTLS" not in answer
        assert "SIZE" not in answer
        assert "8BITMIME" in answer
        assert (await client.say(b"STARTTLS"))[:3] == "502"


@pytest.mark.parametrize(
    ("kind", "why"),
    [("expired", "expired"), ("wrong-name", "mismatch"), ("self-signed", "self.signed")],
)
async def test_bad_certificates_by_starttls_and_implicit(kind: str, why: str) -> None:
    rules = (f"starttls certificate={kind}", f"connect certificate={kind}")
    async with catching(*rules) as server:
        assert server.address is not None

        def starttls() -> None:
            assert server.address is not None
            with smtplib.SMTP(*server.address) as client:
                client.starttls(context=trusting(server))

        with pytest.raises(ssl.SSLCertVerificationError, match=f"(?i){why}"):
            await beside(starttls)
        with pytest.raises(ssl.SSLCertVerificationError, match=f"(?i){why}"):
            await beside(by_smtplib_ssl, server)
        await until(lambda: len(server.store.sessions()) == 2)
    assert "the TLS handshake failed" in transcript(server, 0)
    assert "the TLS handshake failed" in transcript(server, 1)


@pytest.mark.parametrize(
    ("at", "commands"),
    [
        ("ehlo", []),
        ("mail", [b"EHLO c"]),
        ("rcpt", [b"EHLO c", b"MAIL FROM:<a@x>"]),
        ("data", [b"EHLO c", b"MAIL FROM:<a@x>", b"RCPT TO:<b@y>"]),
        ("dot", [b"EHLO c", b"MAIL FROM:<a@x>", b"RCPT TO:<b@y>", b"DATA"]),
        ("quit", [b"EHLO c"]),
    ],
)
async def test_reply_delay_and_drop_at_each_command(at: str, commands: list[bytes]) -> None:
    last = {"ehlo": b"EHLO c", "mail": b"MAIL FROM:<a@x>", "rcpt": b"RCPT TO:<b@y>"} | {
        "data": b"DATA", "dot": b"x\r\n.", "quit": b"QUIT"}  # fmt: skip
    rule = f'{at} reply="499 4.9.9 by rule" times=1 delay=60ms'
    async with catching(rule, f"{at} drop") as server, wire(server) as client:
        for command in commands:
            assert (await client.say(command))[0] in "23"
        started = asyncio.get_running_loop().time()
        assert await client.say(last[at]) == "499 4.9.9 by rule"
        assert asyncio.get_running_loop().time() - started >= 0.055
        if at == "dot":
            for command in commands[1:]:
                await client.say(command)
        client.writer.write(last[at] + b"\r\nNOOP\r\n")
        assert await client.is_closed()
        await until(server.store.sessions)
        assert transcript(server).endswith("* (dropped)\n* (closed)")


async def test_refused_at_connect_and_dropped_at_connect() -> None:
    async with catching("connect times=1", "connect drop") as server:
        async with wire(server, greeted=False) as client:
            assert (await client.reply())[:3] == "421"
            assert await client.is_closed()
        async with wire(server, greeted=False) as client:
            assert await client.is_closed()


async def test_a_refused_message_is_kept_and_marked() -> None:
    async with catching('dot reply="554 5.7.1 spam"') as server, wire(server) as client:
        await client.begin()
        assert await client.say(b"x\r\n.") == "554 5.7.1 spam"
        (message,) = server.store
    assert (message.accepted, message.reply) == (False, "554 5.7.1 spam")


async def test_a_reply_of_several_lines_and_one_that_accepts() -> None:
    rules = (r'mail reply="250 2.1.0 first\n250 2.1.0 second"', 'dot reply="250 2.0.0 as Q1"')
    async with catching(*rules) as server, wire(server) as client:
        await client.say(b"EHLO c")
        assert await client.say(b"MAIL FROM:<a@x>") == "250-2.1.0 first\n250 2.1.0 second"
        await client.say(b"RCPT TO:<b@y>")
        await client.say(b"DATA")
        assert await client.say(b"x\r\n.") == "250 2.0.0 as Q1"
        (message,) = server.store
    assert message.accepted
    assert message.sender == "a@x"


async def test_greylisting_over_two_connections() -> None:
    async with catching("rcpt greylist") as server:
        answers = []
        for _ in range(2):
            async with wire(server) as client:
                await client.say(b"EHLO c")
                await client.say(b"MAIL FROM:<a@x>")
                answers.append((await client.say(b"RCPT TO:<b@y>"))[:9])
    assert answers == ["451 4.7.1", "250 2.1.5"]


async def test_a_tarpit_sends_octet_by_octet() -> None:
    async with catching("mail tarpit=20ms") as server, wire(server) as client:
        await client.say(b"EHLO c")
        started = asyncio.get_running_loop().time()
        assert await client.say(b"MAIL FROM:<a@x>") == "250 2.1.0 Ok"
        assert asyncio.get_running_loop().time() - started >= 0.25


async def test_rules_may_change_while_it_runs() -> None:
    async with catching() as server, wire(server) as client:
        await client.say(b"EHLO c")
        await server.set_rules(server.rules)
        assert (await client.say(b"MAIL FROM:<a@x>"))[:3] == "250"
        await server.set_rules([read_rule("rcpt"), read_rule("starttls certificate=expired")])
        assert (await client.say(b"RCPT TO:<b@y>"))[:3] == "451"
        assert server.rules_acted() == (1, 0)


# Rude clients.


async def test_a_line_of_a_hundred_megabytes_costs_no_memory() -> None:
    async with catching() as server, wire(server) as client:
        tracemalloc.start()
        try:
            for _ in range(100):
                client.writer.write(b"X" * 1_000_000)
                await client.writer.drain()
            assert (await client.say(b""))[:3] == "500"
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 8_000_000
        assert (await client.say(b"NOOP"))[:3] == "250"


async def test_an_endless_auth_response_ends_the_dialogue() -> None:
    async with catching() as server, wire(server) as client:
        await client.say(b"EHLO c")
        assert (await client.say(b"AUTH LOGIN"))[:3] == "334"
        client.writer.write(b"A" * 1_000_000)
        assert (await client.say(b""))[:3] == "501"
        assert (await client.say(b"NOOP"))[:3] == "250"


async def test_nuls_and_half_a_line_and_no_quit() -> None:
    async with catching() as server:
        async with wire(server) as client:
            assert (await client.say(b"\0\0\0"))[:3] == "500"
            assert (await client.say(b"EHLO \0\xff\xfe"))[:3] == "250"
            client.writer.write(b"MAIL FR")
        await until(server.store.sessions)
    assert transcript(server).endswith("* (closed)")


async def test_a_client_that_leaves_within_a_message() -> None:
    async with catching() as server:
        async with wire(server) as client:
            await client.begin()
            client.writer.write(b"Subject: half\r\n\r\n" + b"x" * 300_000)
        await until(server.store.sessions)
        assert server._incoming == 0
    assert len(server.store) == 0


async def test_too_big_a_message_and_too_many_at_once() -> None:
    limits = CatchLimits(message_size=100_000, incoming=150_000)
    async with catching(limits=limits) as server, wire(server) as one, wire(server) as two:
        await one.begin()
        assert (await one.say(b"x" * 200_000 + b"\r\n."))[:9] == "552 5.3.4"
        await one.begin()
        one.writer.write(b"x" * 90_000)
        await until(lambda: server._incoming > 20_000)
        await two.begin()
        assert (await two.say(b"y" * 99_000 + b"\r\n."))[:9] == "452 4.3.1"
        assert (await one.say(b"\r\n."))[:3] == "250"
        assert server._incoming == 0


async def test_silence_ends_after_the_limit() -> None:
    async with catching(limits=CatchLimits(idle_s=0.1)) as server, wire(server) as client:
        assert (await client.reply())[:3] == "421"
        assert await client.is_closed()


async def test_a_command_glued_to_starttls_is_not_run() -> None:
    async with catching() as server, wire(server) as client:
        await client.say(b"EHLO c")
        client.writer.write(b"STARTTLS\r\nNOOP\r\n")
        assert (await client.reply())[:3] == "220"
        await client.writer.start_tls(trusting(server), server_hostname="localhost")
        assert "SIZE" in await client.say(b"EHLO c")


@pytest.mark.parametrize(
    "octets", [b"", b"EHLO clear.example\r\n", b"\x16\x03\x01\xff\xff" + b"\0" * 999]
)
async def test_no_handshake_on_the_port_for_tls(octets: bytes) -> None:
    async with catching() as server:
        assert server.implicit_address is not None
        _, writer = await asyncio.open_connection(*server.implicit_address)
        writer.write(octets)
        writer.close()
        await until(server.store.sessions)
    assert transcript(server).endswith("* (closed)")


async def test_a_client_that_speaks_first_is_marked() -> None:
    async with catching("connect delay=100ms") as server:
        async with wire(server, greeted=False) as client:
            client.writer.write(b"EHLO early\r\n")
            assert (await client.reply())[:3] == "220"
        await until(server.store.sessions)
    assert "(the client spoke before the banner)" in transcript(server)


async def test_a_transcript_stays_bounded_however_long_the_session() -> None:
    async with catching('mail reply="450 4.0.0 no"') as server:
        async with wire(server) as client:
            await client.say(b"EHLO c")
            for _ in range(40):
                client.writer.write((b"MAIL FROM:<" + b"a" * 900 + b"@x>\r\n") * 500)
                for _ in range(500):
                    await client.reply()
        await until(server.store.sessions)
    assert sum(len(line.line) for line in server.store.sessions()[0].transcript) < 600_000
    assert len(server.store.sessions()[0].rules) <= 1_000


PIECES = (
    b"EHLO x\r\n", b"HELO x\r\n", b"EHLO\r\n", b"MAIL FROM:<a@x>\r\n", b"MAIL FROM:<> SIZE=9\r\n", b"MAIL\r\n",
    b"RCPT TO:<b@y>\r\n", b"RCPT TO:<\xff@y> NOTIFY=\r\n", b"DATA\r\n", b"x\r\n.\r\n", b".\r\n", b"\r\n", b"\n", b"\r",
    b"\0", b"AUTH PLAIN\r\n", b"AUTH LOGIN AA==\r\n", b"AUTH CRAM-MD5\r\n", b"*\r\n", b"AHUAcA==\r\n", b"STARTTLS x\r\n",
    b"RSET\r\n", b"NOOP\r\n", b"VRFY x\r\n", b"HELP x\r\n", b"QUIT x\r\n", b"BDAT 5 LAST\r\n", b"X" * 70_000, b"a: b\r\n",
    b"MAIL FROM:<a@x> BODY=8BITMIME SMTPUTF8 RET=FULL\r\n", "RCPT TO:<ü@y>\r\n".encode(), b"QUIT\r\n",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
async def test_octets_in_any_order_hang_nothing_and_show_no_bug(seed: int) -> None:
    dice = random.Random(seed)
    rules = (
        "rcpt odds=20",
        "data odds=20",
        "dot odds=20 drop",
        "mail odds=10 delay=1ms",
        "auth odds=30",
    )
    async with catching(*rules, seed=seed) as server:
        for _ in range(60):
            async with wire(server, greeted=False) as client:
                for _ in range(dice.randrange(1, 25)):
                    client.writer.write(dice.choice(PIECES))
                    if dice.random() < 0.2:
                        await asyncio.sleep(0)
                with contextlib.suppress(OSError):  # the server has closed before
                    client.writer.write_eof()
                assert await client.is_closed()
        await until(lambda: not server.clients)
        assert len(server.store.sessions()) == 60
        assert server._incoming == 0
    assert all(session.transcript[-1].line == "(closed)" for session in server.store.sessions())
