"""Every way in which a server can misbehave, at every stage: right stage, one sentence, in time, and
no secret anywhere."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import socket
import ssl
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smtpadmin.model.errors import (
    LoginError,
    ProtocolError,
    ServerRefusedError,
    SmtpadminError,
    TotalDeadlineError,
    UnreachableError,
    UntrustedError,
    UsageError,
)
from smtpadmin.model.profile import TlsMode
from smtpadmin.model.smtp import SendResult, Stage, SubmissionEndpoint
from smtpadmin.services.send_test import as_record
from smtpadmin.transport.smtp import Envelope, check_login, send
from smtpadmin.transport.smtp_connect import Address
from tests.support.odd_server import Talk, odd_server, script
from tests.support.rude_tls_server import rude_tls_server

PASSWORD = "hunter2 & hunter3"
SECRETS = [
    PASSWORD,
    base64.b64encode(PASSWORD.encode()).decode(),
    base64.b64encode(f"\0user\0{PASSWORD}".encode()).decode(),
]
MAIL = Envelope("a@b.example", ("c@d.example",), b"Subject: x\r\n\r\nhello\r\n", "<1@b.example>")
STEPS: tuple[tuple[Stage, bytes], ...] = (
    (Stage.BANNER, b"220 mx ESMTP\r\n"),
    (Stage.EHLO, b"250-mx\r\n250-SIZE 1000\r\n250 AUTH LOGIN PLAIN\r\n"),
    (Stage.AUTH, b"235 2.7.0 welcome\r\n"),
    (Stage.MAIL, b"250 2.1.0 ok\r\n"),
    (Stage.RCPT, b"250 2.1.5 ok\r\n"),
    (Stage.DATA, b"354 go on\r\n"),
    (Stage.DOT, b"250 2.0.0 Ok: queued as ABCDEF12\r\n"),
)
GOOD = [reply for _, reply in STEPS]
BODY_LINES = 4
each_stage = pytest.mark.parametrize("stop", range(len(STEPS)), ids=[s.value for s, _ in STEPS])


def dialogue(replies: Sequence[bytes], *, hang: bool = False, pause: float = 0.0) -> Talk:
    """The first replies of a session, each after the client's line; the message is read whole."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number, reply in enumerate(replies):
            if STEPS[min(number, len(STEPS) - 1)][0] is Stage.DOT:
                while await reader.readline() not in (b".\r\n", b""):
                    pass
            elif number:
                await reader.readline()
            for octet in [reply] if not pause else [bytes([o]) for o in reply]:
                writer.write(octet)
                await writer.drain()
                await asyncio.sleep(pause)
        if hang:
            await asyncio.sleep(30)
        # Wait for the client's next line: closing at once would reset it before it reads.
        await reader.readline()
        if len(replies) == len(STEPS):
            writer.write(b"221 2.0.0 bye\r\n")

    return talk


def endpoint(port: int, tls: TlsMode = TlsMode.NONE, **more: str) -> SubmissionEndpoint:
    mechanisms = (more.pop("mechanism"),) if "mechanism" in more else ("PLAIN",)
    return SubmissionEndpoint("127.0.0.1", port, tls, "user", mechanisms, **more)


async def sent_to(
    talk: Talk, *, total_s: float = 5.0, envelope: Envelope = MAIL, **more: str
) -> tuple[SendResult, SmtpadminError | None]:
    started = time.monotonic()
    async with odd_server(talk) as port:
        result, error = await send(endpoint(port, **more), PASSWORD, envelope, total_s=total_s)
    assert time.monotonic() - started < total_s + 2.0
    in_order(result, error)
    return result, error


def in_order(result: SendResult, error: SmtpadminError | None) -> None:
    """What holds for every outcome."""
    written = json.dumps(as_record(result), ensure_ascii=False) + repr(error) + str(error)
    for secret in SECRETS:
        assert secret not in written
    written.encode("utf-8")
    assert all(line.line.isprintable() for line in result.transcript)
    if error is not None:
        assert "\n" not in str(error)
        assert len(str(error)) < 700
        assert result.transcript[-1].line == error.what


async def test_the_whole_dialogue_of_a_good_server() -> None:
    result, error = await sent_to(dialogue(GOOD))
    assert error is None
    assert (result.result, result.stage, result.queue_id) == ("accepted", Stage.DOT, "ABCDEF12")
    wanted = {"resolve", "connect", *(stage.value for stage, _ in STEPS), "quit"}
    assert result.timings_ms.keys() == wanted
    assert "(the connection is not encrypted: others can read the login)" in [
        line.line for line in result.transcript
    ]


@each_stage
async def test_a_server_that_hangs(stop: int) -> None:
    result, error = await sent_to(dialogue(GOOD[:stop], hang=True), total_s=0.25)
    assert type(error) is TotalDeadlineError
    assert (result.result, result.stage) == ("failed", STEPS[stop][0])
    assert "no answer within 0.25 s" in error.what


@each_stage
async def test_a_step_has_a_deadline_of_its_own(stop: int) -> None:
    if STEPS[stop][0] in (Stage.DATA, Stage.DOT):
        return  # a content filter may take its time: the total deadline bounds these
    async with odd_server(dialogue(GOOD[:stop], hang=True)) as port:
        result, error = await send(endpoint(port), PASSWORD, MAIL, step_s=0.1)
    assert type(error) is TotalDeadlineError
    assert "no answer within 0.1 s" in error.what
    assert result.stage is STEPS[stop][0]


@each_stage
async def test_a_server_that_drops(stop: int) -> None:
    result, error = await sent_to(dialogue(GOOD[:stop]) if stop else script())
    assert type(error) is UnreachableError
    assert (result.result, result.stage) == ("failed", STEPS[stop][0])
    assert error.what.startswith("the server closed the connection ")


@each_stage
async def test_a_server_that_drops_inside_a_line(stop: int) -> None:
    half = GOOD[stop][:7]
    result, error = await sent_to(script(half) if not stop else half_then_close(stop, half))
    assert type(error) is UnreachableError
    assert "in the middle of a line" in error.what
    assert result.stage is STEPS[stop][0]
    assert "(no line end)" in [line.line for line in result.transcript]


def half_then_close(stop: int, half: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in GOOD[:stop]:
            writer.write(reply)
            await writer.drain()
            await reader.readline()
        for _ in range(BODY_LINES - 1 if STEPS[stop][0] is Stage.DOT else 0):
            await reader.readline()
        writer.write(half)
        await writer.drain()

    return talk


@each_stage
@pytest.mark.parametrize(
    "reply", [b"421 4.3.2 closing\r\n", b"554-5.7.1 no\r\n554 5.7.1 never\r\n"]
)
async def test_a_refusal(stop: int, reply: bytes) -> None:
    result, error = await sent_to(dialogue([*GOOD[:stop], reply], hang=True))
    stage = STEPS[stop][0]
    assert type(error) is (LoginError if stage is Stage.AUTH else ServerRefusedError)
    assert (result.result, result.stage) == ("refused", stage)
    assert result.reply is not None
    assert result.reply.code == int(reply[:3])
    assert error.exit_code == (3 if stage is Stage.AUTH else 1)


@each_stage
@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (b"hello there\r\n", "no SMTP reply"),
        (b"220_x\r\n", "no SMTP reply"),
        (b"\r\n", "an empty line"),
        (b"250 ok\n", "without CR"),
        (b"250-mx1.example.org\r\n251 ok\r\n", "code changes"),
        (b"\x00\x01\xff\r\n", "no SMTP reply"),
        (b"250 " + b"x" * 1_000_000 + b"\r\n", "too long"),
        (b"250-again\r\n" * 20_000, "too long"),
        (b"x" * 1_000_000, "too long"),
    ],
    ids=["nonsense", "underscore", "empty", "bare LF", "code", "binary", "1 MB", "flood", "no end"],
)
async def test_a_malformed_answer(stop: int, reply: bytes, words: str) -> None:
    result, error = await sent_to(dialogue([*GOOD[:stop], reply], hang=True))
    assert type(error) is ProtocolError
    assert words in error.what
    assert (result.result, result.stage) == ("failed", STEPS[stop][0])
    assert sum(len(line.line) for line in result.transcript) < 1_000_000


@each_stage
async def test_a_success_code_out_of_place(stop: int) -> None:
    out_of_place = b"354 go on\r\n" if STEPS[stop][0] is not Stage.DATA else b"250 taken\r\n"
    result, error = await sent_to(dialogue([*GOOD[:stop], out_of_place], hang=True))
    assert type(error) is ProtocolError
    assert "out of place" in error.what
    assert (result.result, result.stage) == ("failed", STEPS[stop][0])


async def test_replies_split_at_every_octet_are_the_same_session() -> None:
    split, error = await sent_to(dialogue(GOOD, pause=0.0001))
    whole, _ = await sent_to(dialogue(GOOD))
    assert error is None
    assert [x.line for x in split.transcript if x.direction == "<"] == [
        x.line for x in whole.transcript if x.direction == "<"
    ]


async def test_an_octet_now_and_then_ends_at_the_total_deadline() -> None:
    result, error = await sent_to(dialogue(GOOD, pause=0.05), total_s=0.4)
    assert type(error) is TotalDeadlineError
    assert result.result == "failed"


async def test_an_endless_flood_ends() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"220-again\r\n" * 1_000)
            await writer.drain()

    result, error = await sent_to(talk, total_s=2.0)
    assert type(error) is ProtocolError
    assert result.stage is Stage.BANNER
    assert len(result.transcript) <= 5_010


async def test_half_utf_8_and_nul_in_a_good_reply_are_shown() -> None:
    greeting = b"220 mx \x00 \xe2\x82 caf\xe9\r\n"
    result, error = await sent_to(dialogue([greeting, *GOOD[1:]]))
    assert error is None
    assert result.transcript[1].line == "220 mx ␀ \\xe2\\x82 caf\\xe9"


@pytest.mark.parametrize("after", [b"hang", b"drop", b"421 bye\r\n", b"nonsense\r\n"])
async def test_after_the_message_is_accepted_nothing_takes_that_back(after: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in GOOD[:-1]:
            writer.write(reply)
            await reader.readline()
        await reader.readuntil(b".\r\n")
        writer.write(GOOD[-1])
        await reader.readline()
        if after == b"hang":
            await asyncio.sleep(30)
        if after != b"drop":
            writer.write(after)
            await writer.drain()

    result, error = await sent_to(talk, total_s=0.5)
    assert error is None
    assert (result.result, result.stage, result.queue_id) == ("accepted", Stage.DOT, "ABCDEF12")


# Login.


@pytest.mark.parametrize(
    "echo",
    [PASSWORD, SECRETS[1], SECRETS[2], f"user said {PASSWORD}, {PASSWORD}!"],
)
async def test_a_server_that_repeats_the_password(echo: str) -> None:
    reply = f"535 5.7.8 wrong: {echo}\r\n".encode()
    result, error = await sent_to(dialogue([*GOOD[:2], reply], hang=True))
    assert type(error) is LoginError
    assert "<redacted>" in error.what
    assert result.reply is not None
    assert "<redacted>" in result.reply.text


@pytest.mark.parametrize("mechanism", ["LOGIN", "CRAM-MD5", "PLAIN", "XOAUTH2"])
@pytest.mark.parametrize(
    "challenge",
    [
        b"334 UGFzc3dvcmQ6\r\n250 and more\r\n",
        b"250 out of turn\r\n334 UGFzc3dvcmQ6\r\n",
        b"334 UGFzc3dvcmQ6\r\n354 go on\r\n",
        b"334 not base64 at all\r\n",
        b"334\r\n",
    ],
)
async def test_a_login_in_which_the_server_speaks_out_of_turn(
    mechanism: str, challenge: bytes
) -> None:
    replies = [*GOOD[:2], challenge, b"334 again\r\n", b"535 no\r\n"]
    result, error = await sent_to(script(*replies, hang=True), total_s=0.5, mechanism=mechanism)
    assert error is not None
    assert result.stage is Stage.AUTH
    assert result.result in ("refused", "failed")


async def test_no_method_in_common_says_what_is_offered() -> None:
    offer = b"250-mx\r\n250 AUTH GSSAPI NTLM\r\n"
    async with odd_server(script(GOOD[0], offer, hang=True)) as port:
        target = SubmissionEndpoint("127.0.0.1", port, TlsMode.NONE, "user")
        result, error = await send(target, PASSWORD, MAIL, total_s=5)
    assert type(error) is LoginError
    assert "the server offers GSSAPI, NTLM" in error.what
    assert result.stage is Stage.AUTH


@pytest.mark.parametrize(
    ("offer", "first"),
    [
        (b"250-mx\r\n250 AUTH PLAIN LOGIN CRAM-MD5\r\n", "AUTH CRAM-MD5"),
        (b"250-mx\r\n250 AUTH=LOGIN\r\n", "AUTH LOGIN <redacted 8 octets>"),
    ],
)
async def test_without_encryption_the_method_that_hides_the_password_comes_first(
    offer: bytes, first: str
) -> None:
    async with odd_server(script(GOOD[0], offer, b"535 no\r\n", hang=True)) as port:
        target = SubmissionEndpoint("127.0.0.1", port, TlsMode.NONE, "user")
        result, error = await send(target, PASSWORD, MAIL, total_s=5)
    assert type(error) is LoginError
    attempts = [line.line for line in result.transcript if line.line.startswith("AUTH")]
    assert attempts == [first]


@pytest.mark.parametrize("password", ["nul\0nul", "lone \udcff surrogate"])
async def test_a_password_that_cannot_be_sent_is_a_usage_error(password: str) -> None:
    async with odd_server(script(*GOOD[:2], hang=True)) as port:
        _, error = await send(endpoint(port), password, MAIL, total_s=5)
    assert type(error) is UsageError
    assert "the password" in error.what
    assert password not in repr(error.__context__)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    password=st.text(
        st.characters(codec="utf-8", exclude_characters="\0"), min_size=6, max_size=20
    ),
    mechanism=st.sampled_from(["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"]),
    answers=st.lists(
        st.sampled_from(
            [b"334 \r\n", b"334 QUJD\r\n", b"235 ok\r\n", b"535 {}\r\n", b"250 {}\r\n"]
        ),
        min_size=3,
        max_size=4,
    ),
)
def test_no_password_is_ever_shown(password: str, mechanism: str, answers: list[bytes]) -> None:
    plain = password.encode()
    replies = [a.replace(b"{}", plain.replace(b"\r", b"").replace(b"\n", b"")) for a in answers]

    async def run() -> SendResult:
        async with odd_server(script(*GOOD[:2], *replies)) as port:
            target = endpoint(port, mechanism=mechanism)
            result, _ = await send(target, password, MAIL, total_s=2)
            return result

    shown = json.dumps(as_record(asyncio.run(run())), ensure_ascii=False)
    assert base64.b64encode(plain).decode() not in shown
    if password.isalnum():
        assert password not in shown


# Envelope.


async def test_an_address_beyond_ascii_is_sent_only_with_smtputf8() -> None:
    mail = Envelope("ä@b.example", ("c@d.example",), MAIL.raw, "<1@b>")
    result, error = await sent_to(dialogue(GOOD, hang=True), envelope=mail)
    assert type(error) is ServerRefusedError
    assert "SMTPUTF8" in error.what
    assert result.stage is Stage.MAIL
    offer = b"250-mx\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
    result, error = await sent_to(dialogue([GOOD[0], offer, *GOOD[2:]]), envelope=mail)
    assert error is None
    assert "MAIL FROM:<ä@b.example> SMTPUTF8" in [line.line for line in result.transcript]


async def test_421_to_a_recipient_ends_the_session() -> None:
    mail = Envelope("a@b.example", ("c@d.example", "e@d.example"), MAIL.raw, "<1@b>")
    result, error = await sent_to(dialogue([*GOOD[:4], b"421 bye\r\n"], hang=True), envelope=mail)
    assert type(error) is ServerRefusedError
    assert [found.address for found in result.recipients] == ["c@d.example"]
    assert result.stage is Stage.RCPT


async def test_a_long_message_is_folded_in_the_transcript() -> None:
    raw = b"Subject: x\r\n\r\n" + b"a line of text\r\n" * 5_000
    result, error = await sent_to(
        dialogue(GOOD), envelope=Envelope("", ("c@d.example",), raw, "<1>")
    )
    assert error is None
    assert len(result.transcript) < 300
    assert any(f"{len(raw)} octets in all" in line.line for line in result.transcript)


# Names and the machine's own name.


def nobody(host: str, port: int) -> Sequence[Address]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


async def test_a_name_that_does_not_resolve() -> None:
    target = SubmissionEndpoint("mail.nowhere.invalid", 587, TlsMode.STARTTLS)
    result, error = await send(target, "", MAIL, resolver=nobody)
    assert type(error) is UnreachableError
    assert (result.result, result.stage, result.address) == ("failed", Stage.RESOLVE, None)
    assert str(error).startswith("mail.nowhere.invalid: the name cannot be resolved")


async def test_the_name_is_resolved_once_and_ehlo_asks_no_name_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def loopback(host: str, port: int) -> Sequence[Address]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getfqdn", lambda name="": pytest.fail("a lookup"))
    monkeypatch.setattr(socket, "gethostname", lambda: "desk")
    async with odd_server(dialogue(GOOD)) as port:
        target = SubmissionEndpoint("mx.test.invalid", port, TlsMode.NONE, "user", ("PLAIN",))
        result, error = await send(target, PASSWORD, MAIL, resolver=loopback)
    assert error is None
    assert asked == ["mx.test.invalid"]
    assert "EHLO [127.0.0.1]" in [line.line for line in result.transcript]


async def test_check_login_tells_extensions_and_ends_in_time() -> None:
    async with odd_server(script(*GOOD[:3], b"221 bye\r\n")) as port:
        greeting, extensions, tls = await check_login(endpoint(port), PASSWORD)
    assert (greeting, tls) == ("220 mx ESMTP", None)
    assert extensions.split("\n") == ["auth LOGIN PLAIN", "size 1000"]
    async with odd_server(script(GOOD[0], hang=True)) as port:
        with pytest.raises(TotalDeadlineError):
            await check_login(endpoint(port), PASSWORD, total_s=0.2)


# TLS.

TLS_OFFER = b"250-mx\r\n250 STARTTLS\r\n"


@pytest.mark.parametrize("reply", [b"454 4.7.0 not now\r\n", b"501 no\r\n", b"421 bye\r\n"])
async def test_a_refused_starttls_never_goes_on_in_clear_text(reply: bytes) -> None:
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GOOD[0])
        for answer in (TLS_OFFER, reply, TLS_OFFER, b"235 ok\r\n", b"250 ok\r\n"):
            heard.append(await reader.readline())
            writer.write(answer)

    async with odd_server(talk) as port:
        result, error = await send(endpoint(port, TlsMode.STARTTLS), PASSWORD, MAIL, total_s=5)
    assert type(error) is ServerRefusedError
    assert (result.result, result.stage) == ("refused", Stage.STARTTLS)
    assert not [line for line in heard if line.upper().startswith((b"AUTH", b"MAIL"))]


@pytest.mark.parametrize(
    ("talk", "stage", "kind"),
    [
        (script(GOOD[0], TLS_OFFER, hang=True), Stage.STARTTLS, TotalDeadlineError),
        (script(GOOD[0], TLS_OFFER, b"220 go\r\n", hang=True), Stage.TLS, TotalDeadlineError),
        (script(GOOD[0], TLS_OFFER, b"220 go\r\n"), Stage.TLS, UnreachableError),
        (script(GOOD[0], TLS_OFFER, b"220 go\r\n", b"no TLS\r\n", hang=True), Stage.TLS, UnreachableError),
        (script(GOOD[0], TLS_OFFER), Stage.STARTTLS, UnreachableError),
    ],
    ids=["hangs", "hangs in the handshake", "drops in the handshake", "nonsense", "drops"],
)  # fmt: skip
async def test_starttls_that_goes_wrong(
    talk: Talk, stage: Stage, kind: type[SmtpadminError]
) -> None:
    async with odd_server(talk) as port:
        result, error = await send(endpoint(port, TlsMode.STARTTLS), PASSWORD, MAIL, total_s=0.4)
    in_order(result, error)
    assert type(error) is kind
    assert (result.result, result.stage) == ("failed", stage)


@pytest.mark.parametrize(
    ("talk", "kind"),
    [
        (script(GOOD[0], hang=True), UnreachableError),
        (script(b"", hang=True), TotalDeadlineError),
        (script(), UnreachableError),
    ],
    ids=["clear text", "hangs", "drops"],
)
async def test_implicit_tls_to_what_does_not_speak_it(
    talk: Talk, kind: type[SmtpadminError]
) -> None:
    async with odd_server(talk) as port:
        result, error = await send(endpoint(port, TlsMode.IMPLICIT), PASSWORD, MAIL, total_s=0.4)
    in_order(result, error)
    assert type(error) is kind
    assert (result.result, result.stage) == ("failed", Stage.TLS)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def server_context(leaf: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    return context


async def test_an_expired_certificate(authority: trustme.CA, ca_file: str) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    context = server_context(
        authority.issue_cert(
            "127.0.0.1", not_before=yesterday - timedelta(days=9), not_after=yesterday
        )
    )
    server = await asyncio.start_server(script(GOOD[0], hang=True), "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        target = endpoint(port, TlsMode.IMPLICIT, ca_file=ca_file)
        result, error = await send(target, PASSWORD, MAIL, total_s=5)
    assert type(error) is UntrustedError
    assert "expired" in error.what
    assert (result.result, result.stage) == ("failed", Stage.TLS)
    assert len(error.fingerprint) == 64
    assert error.certificate_pem.startswith("-----BEGIN CERTIFICATE-----")
    assert f"valid until {yesterday:%Y-%m-%d}" in error.detail


async def test_what_is_said_after_the_220_of_starttls_is_thrown_away(
    authority: trustme.CA, ca_file: str
) -> None:
    context = server_context(authority.issue_cert("127.0.0.1"))

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GOOD[0])
        await reader.readline()
        writer.write(TLS_OFFER)
        await reader.readline()
        writer.write(b"220 go\r\n250-injected\r\n250 AUTH PLAIN LOGIN\r\n")
        await writer.drain()
        await writer.start_tls(context)
        for reply in (b"250-mx\r\n250 AUTH PLAIN\r\n", *GOOD[2:6]):
            await reader.readline()
            writer.write(reply)
        await reader.readuntil(b".\r\n")
        writer.write(GOOD[6])
        await reader.readline()

    async with odd_server(talk) as port:
        target = endpoint(port, TlsMode.STARTTLS, ca_file=ca_file)
        result, error = await send(target, PASSWORD, MAIL, total_s=5)
    in_order(result, error)
    assert error is None
    assert "(36 octets that answer nothing were thrown away)" in [x.line for x in result.transcript]
    assert all(line.tls for line in result.transcript if line.line.startswith("AUTH"))
    assert result.tls is not None
    assert result.tls.verified


async def test_another_certificate_than_the_accepted_one_stops_before_the_login(
    authority: trustme.CA,
) -> None:
    context = server_context(authority.issue_cert("127.0.0.1"))
    server = await asyncio.start_server(script(GOOD[0], hang=True), "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        target = endpoint(port, TlsMode.IMPLICIT, fingerprint="ab" * 32)
        result, error = await send(target, PASSWORD, MAIL, total_s=5)
    assert type(error) is UntrustedError
    assert error.changed
    assert error.fingerprint != "ab" * 32
    assert result.stage is Stage.TLS
    assert not [line for line in result.transcript if line.direction == ">"]


async def test_a_ca_file_that_is_not_there() -> None:
    async with odd_server(script(GOOD[0], hang=True)) as port:
        target = endpoint(port, TlsMode.IMPLICIT, ca_file="no/such/file.pem")
        result, error = await send(target, PASSWORD, MAIL, total_s=5)
    assert error is not None
    assert "no/such/file.pem: the CA file cannot be read" in str(error)
    assert result.result == "failed"


async def test_cancelling_closes_the_connection() -> None:
    gone = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GOOD[0])
        await reader.readline()
        try:
            await reader.read()
        finally:
            gone.set()

    async with odd_server(talk) as port:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await send(endpoint(port), PASSWORD, MAIL)
        async with asyncio.timeout(5):
            await gone.wait()


def test_nobody_waits_for_the_servers_goodbye_under_tls_and_no_socket_is_left(
    authority: trustme.CA, ca_file: str, recwarn: pytest.WarningsRecorder
) -> None:
    replies = [*GOOD, b"221 2.0.0 bye\r\n"]
    with rude_tls_server(server_context(authority.issue_cert("127.0.0.1")), replies) as port:
        target = endpoint(port, TlsMode.IMPLICIT, ca_file=ca_file)
        result, error = asyncio.run(send(target, PASSWORD, MAIL, total_s=10))
        gc.collect()
    in_order(result, error)
    assert (error, result.stage) == (None, Stage.DOT)
    assert [str(warning.message) for warning in recwarn] == []
